/**
 * Output of commands: colours, aligned columns, readable numbers.
 *
 * @module
 */
import { host } from "./host.ts";

/** Returns `text` in bold, or as it is without colours. */
export function bold(text: string): string {
  return host.hasColors ? `\x1b[1m${text}\x1b[22m` : text;
}

/** Returns `text` dimmed, or as it is without colours. */
export function dim(text: string): string {
  return host.hasColors ? `\x1b[2m${text}\x1b[22m` : text;
}

/** Formats rows as lines with aligned columns, indented by `indent`. Rows may differ in length. */
export function columns(rows: readonly (readonly string[])[], indent: number = 0): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.length));
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]! + 2));
    return " ".repeat(indent) + cells.join("").trimEnd();
  });
}

/** Writes a line to the standard output. */
export function print(line: string = ""): void {
  host.write(line + "\n");
}

/** Writes a line to the standard error. */
export function printError(line: string): void {
  host.writeError(line + "\n");
}

/** Formats a whole number with separators: 1,234,567. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Formats a rate, also for scripts: no separators, two decimals below 100. */
export function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(2);
}

/** Formats milliseconds, with fewer decimals for larger values. */
export function milliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}

/** A line on the terminal that is overwritten. Without a terminal nothing is printed. */
export class ProgressLine {
  #isShown = false;

  /** Replaces the line by `text`. */
  show(text: string): void {
    if (!host.isOutputTerminal) return;
    host.write(`\r\x1b[2K${text.slice(0, Math.max(1, host.columns() - 1))}`);
    this.#isShown = true;
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) host.write("\r\x1b[2K");
    this.#isShown = false;
  }
}
