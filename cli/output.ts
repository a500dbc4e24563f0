/**
 * What commands show: colours where they are wanted, columns that line up, numbers a person can read.
 *
 * @module
 */
import { host } from "./host.ts";

/** Text for emphasis; plain where there are no colours. */
export function bold(text: string): string {
  return host.hasColors ? `\x1b[1m${text}\x1b[22m` : text;
}

/** Text that matters less. */
export function dim(text: string): string {
  return host.hasColors ? `\x1b[2m${text}\x1b[22m` : text;
}

/** Rows of cells as lines with aligned columns, each after `indent` blanks. Rows may differ in length. */
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

/** A whole number with separators: 1,234,567. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A rate for people and scripts alike: no separators, two decimals below a hundred. */
export function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(2);
}

/** Milliseconds with the decimals that still mean something. */
export function milliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}

/** A line on the terminal that replaces itself; nothing where there is no terminal. */
export class ProgressLine {
  #isShown = false;

  /** Shows `text` instead of what was shown before. */
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
