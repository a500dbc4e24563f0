/**
 * `server.properties`: the file format of Java's `Properties`, in which Apache Kafka's settings are
 * written.
 *
 * @module
 */
import { CommandError } from "./fail.ts";
import { host } from "./host.ts";
import { whyUnreadable } from "./topics_file.ts";

/** The settings of a file. */
export interface Properties {
  readonly values: Readonly<Record<string, string>>;
  /** Notices about keys that occur more than once. */
  readonly notices: readonly string[];
}

/** A key and its value, without escapes. */
interface Entry {
  readonly key: string;
  readonly value: string;
}

const BLANK = /^[ \t\f]*/;
const CONFIG_PROVIDER = /\$\{[^}]*\}/;
const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/** Reads the file. Throws a CommandError that names the problem and the line. */
export function readPropertiesFile(path: string): Properties {
  let text: string;
  try {
    text = host.readTextFile(path);
  } catch (error) {
    throw new CommandError(`Cannot read the settings in "${path}": ${whyUnreadable(error)}`);
  }
  return parseProperties(text, path);
}

/**
 * Parses the text of the file as Java does: the last value of a key is used. `path` is used in messages.
 * Throws a CommandError for a malformed escape, and for a value that a configuration provider of Kafka
 * would have to supply.
 */
export function parseProperties(text: string, path: string): Properties {
  const values = new Map<string, string>();
  const lineOf = new Map<string, number>();
  const notices: string[] = [];
  for (const { line, content } of logicalLines(text.replace(/^\uFEFF/, ""))) {
    const wrong = (reason: string) =>
      new CommandError(`Cannot use the settings in "${path}": line ${line} ${reason}`);
    const entry = parseEntry(content);
    if (entry === null) {
      throw wrong(
        'has an incomplete \\u escape, write it as \\u and 4 digits, or "\\\\" for a backslash',
      );
    }
    const { key, value } = entry;
    const [provided] = CONFIG_PROVIDER.exec(value) ?? [];
    if (provided !== undefined) {
      throw wrong(
        `takes the value of "${key}" from ${provided}, and this version has no configuration providers; ` +
          "write the value itself",
      );
    }
    const before = values.get(key);
    if (before !== undefined && before !== value) {
      notices.push(
        `"${path}" sets "${key}" in line ${
          lineOf.get(key)
        } and in line ${line}: the last one is used`,
      );
    }
    values.set(key, value);
    lineOf.set(key, line);
  }
  return { values: Object.fromEntries(values), notices };
}

/** Yields the lines that are neither blank nor comments, joined where a backslash ends a line. */
function* logicalLines(
  text: string,
): Generator<{ readonly line: number; readonly content: string }> {
  const lines = text.split(/\r\n|\r|\n/);
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    let content = lines[i]!.replace(BLANK, "");
    if (/^[#!]/.test(content) || content === "\\") continue;
    // An even number of backslashes stands for backslashes.
    while (/(^|[^\\])(\\\\)*\\$/.test(content)) {
      content = content.slice(0, -1);
      i++;
      if (i === lines.length) break;
      content += lines[i]!.replace(BLANK, "");
    }
    if (content !== "") yield { line, content };
  }
}

/** Splits a line at the first "=", ":" or blank without a backslash. Returns null for a malformed escape. */
function parseEntry(content: string): Entry | null {
  const [, key, value] = /^((?:\\.|[^\\=: \t\f])*)(?:[ \t\f]*[=:]|[ \t\f]+)?[ \t\f]*(.*)$/s
    .exec(content)!;
  const texts = [unescape(key!), unescape(value!)];
  return texts[0] === null || texts[1] === null ? null : { key: texts[0]!, value: texts[1]! };
}

function unescape(text: string): string | null {
  let isMalformed = false;
  const out = text.replaceAll(/\\(u[0-9A-Fa-f]{4}|.)/gs, (_, escaped: string) => {
    if (escaped.length > 1) return String.fromCharCode(parseInt(escaped.slice(1), 16));
    if (escaped === "u") isMalformed = true;
    return ESCAPES[escaped] ?? escaped;
  });
  return isMalformed ? null : out;
}
