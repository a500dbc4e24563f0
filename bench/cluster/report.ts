/**
 * The report as a Markdown table.
 *
 * @module
 */
import type { Side } from "../kafka/brokers.ts";
import type { Samples } from "../kafka/samples.ts";
import { type Row, ROWS } from "./rows.ts";

/** Returns the table of the measurements. The tree before and Kafka have columns if they were measured. */
export function report(samples: Samples, sides: readonly Side[]): string {
  const others = sides.filter((side) => side !== "millrace");
  const titles = ["n", "median", "worst", ...others.flatMap(titlesOf), "target", ""];
  const lines = [
    `| test | figure | ${titles.join(" | ")} |`,
    `| --- | --- | ${titles.map((title) => title === "" ? "---" : "---:").join(" | ")} |`,
  ];
  let isDisturbed = false;
  for (const row of ROWS) {
    const { test, figure, unit } = row;
    if (sides.every((side) => samples.values(side, test, figure).length === 0)) continue;
    const mark = samples.isDisturbed(test) ? " \\*" : "";
    isDisturbed ||= mark !== "";
    const cells = [
      `${test}${mark}`,
      `${figure}, ${unit}`,
      String(samples.values("millrace", test, figure).length),
      ...figuresOf(samples, "millrace", row),
      ...others.flatMap((side) => figuresOf(samples, side, row)),
      targetOf(row),
      verdictOf(row, samples),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  if (isDisturbed) {
    lines.push(
      "",
      "\\* others used more than 15% of the machine in one of the runs: measure again",
    );
  }
  return lines.join("\n");
}

function titlesOf(side: Side): string[] {
  const name = side === "kafka" ? "Kafka" : side;
  return [`${name}: median`, `${name}: worst`];
}

function figuresOf(samples: Samples, side: Side, { test, figure }: Row): string[] {
  return [
    number(samples.median(side, test, figure)),
    number(worstOf(samples.values(side, test, figure))),
  ];
}

function worstOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

function targetOf({ mostMedian, mostWorst, mostMore, unit }: Row): string {
  return [
    ...(mostMedian === undefined ? [] : [`median ≤ ${number(mostMedian)} ${unit}`]),
    ...(mostWorst === undefined ? [] : [`worst ≤ ${number(mostWorst)} ${unit}`]),
    ...(mostMore === undefined ? [] : [`≤ before + ${mostMore} ${unit}`]),
  ].join(", ");
}

function verdictOf(row: Row, samples: Samples): string {
  const { test, figure, mostMedian, mostWorst, mostMore } = row;
  const median = samples.median("millrace", test, figure);
  const worst = worstOf(samples.values("millrace", test, figure));
  const before = samples.median("before", test, figure);
  if (median === undefined || worst === undefined) return "";
  const reached = [
    ...(mostMedian === undefined ? [] : [median <= mostMedian]),
    ...(mostWorst === undefined ? [] : [worst <= mostWorst]),
    ...(mostMore === undefined || before === undefined ? [] : [median <= before + mostMore]),
  ];
  if (reached.length === 0) return "";
  return reached.every((is) => is) ? "reaches" : "misses";
}

/** Formats with three significant digits and separated thousands. */
function number(value: number | undefined): string {
  if (value === undefined) return "";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
