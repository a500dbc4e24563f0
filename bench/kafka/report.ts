/**
 * The report as a Markdown table.
 *
 * @module
 */
import { type Row, ROWS, type Target } from "./rows.ts";
import type { Samples } from "./samples.ts";

/** The columns of the table in addition to Millrace and Kafka. */
export interface Columns {
  readonly floor: boolean;
  readonly before: boolean;
}

/** Returns the table of the measurements, and a sentence about missed targets. */
export function report(
  samples: Samples,
  machine: string,
  runs: number,
  columns: Columns,
): string {
  const { floor: hasFloor, before: hasBefore } = columns;
  const lines = [
    `${machine}; medians of ${runs}, the two brokers in turn, Kafka warm`,
    "",
    `| test | figure | ${hasFloor ? "floor | " : ""}${hasBefore ? "before | " : ""}Millrace | ` +
    `${hasBefore ? "to before | " : ""}Kafka | ratio | target | |`,
    `| --- | --- | ${hasFloor ? "---: | " : ""}${hasBefore ? "---: | ---: | " : ""}` +
    "---: | ---: | ---: | ---: | --- |",
  ];
  const missed: string[] = [];
  let isDisturbed = false;
  for (const row of ROWS) {
    const ours = samples.median("millrace", row.test, row.figure);
    const kafka = samples.median("kafka", row.test, row.figure);
    if (ours === undefined && kafka === undefined) continue;
    const ratio = ours === undefined || !kafka || row.test === "idle connections"
      ? undefined
      : ours / kafka;
    const verdict = verdictOf(row.target, ours, ratio);
    if (verdict === "misses") missed.push(`${row.test} (${row.figure})`);
    const mark = samples.isDisturbed(row.test) ? " \\*" : "";
    isDisturbed ||= mark !== "";
    const floor = hasFloor ? `${number(samples.median("floor", row.test, row.figure))} | ` : "";
    const earlier = samples.median("before", row.test, row.figure);
    const before = hasBefore ? `${number(earlier)} | ` : "";
    const change = hasBefore
      ? `${earlier && ours ? `${(ours / earlier).toFixed(2)}x` : ""} | `
      : "";
    lines.push(
      `| ${row.test}${mark} | ${row.figure}, ${row.unit} | ${floor}${before}` +
        `${number(ours)} | ${change}${number(kafka)} | ` +
        `${ratio === undefined ? "" : `${ratio.toFixed(2)}x`} | ${targetText(row)} | ${verdict} |`,
    );
  }
  lines.push("");
  if (isDisturbed) {
    lines.push(
      "\\* others used more than 15% of the machine in one of the runs: measure again",
      "",
    );
  }
  lines.push(
    missed.length === 0 ? "Every target is reached." : `Misses its target: ${missed.join(", ")}.`,
  );
  return lines.join("\n");
}

function verdictOf(
  target: Target | null,
  ours: number | undefined,
  ratio: number | undefined,
): "" | "reaches" | "misses" {
  const value = target?.of === "ratio" ? ratio : ours;
  if (target === null || value === undefined) return "";
  const reaches = value <= (target.most ?? Infinity) && value >= (target.least ?? -Infinity);
  return reaches ? "reaches" : "misses";
}

function targetText({ target, unit }: Row): string {
  if (target === null) return "";
  const ofWhat = target.of === "ratio" ? "x" : ` ${unit}`;
  return target.most !== undefined ? `≤ ${target.most}${ofWhat}` : `≥ ${target.least}${ofWhat}`;
}

/** Formats with three significant digits and separated thousands. */
function number(value: number | undefined): string {
  if (value === undefined) return "";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
