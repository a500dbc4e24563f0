/**
 * The lines that a child process prints.
 *
 * @module
 */

/** A longer line is broken. */
const MOST_CHARACTERS = 65_536;

/** Calls `onLine` for each line of a stream, the last one also without a line end. Resolves at its end. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const lines = (rest + decoder.decode(next.value, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
    for (; rest.length > MOST_CHARACTERS; rest = rest.slice(MOST_CHARACTERS)) {
      onLine(rest.slice(0, MOST_CHARACTERS));
    }
  }
  if (rest !== "") onLine(rest);
}
