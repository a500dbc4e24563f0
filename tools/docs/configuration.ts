/**
 * Writes `docs/configuration.md` from the declarations in `src/config`: `deno task docs`. A test fails
 * while the page is out of date.
 *
 * @module
 */
import { BROKER_KEY_GROUPS } from "../../src/config/broker_keys.ts";
import {
  type ConfigDefinition,
  hasOneValue,
  MAX_INT,
  MAX_LONG_TEXT,
} from "../../src/config/definition.ts";
import { REJECTED_KEYS } from "../../src/config/rejected_keys.ts";
import { UNUSED_KEYS } from "../../src/config/unused_keys.ts";
import { SINGLE_VALUE_KEYS } from "../../src/config/single_value_keys.ts";
import { TOPIC_KEYS, type TopicKey } from "../../src/config/topic_keys.ts";

/** The page, relative to the project's root. */
export const CONFIGURATION_PAGE = "docs/configuration.md";

const INTRODUCTION = `# Configuration

<!-- Written by \`deno task docs\` from src/config. Do not edit. -->

The keys are Apache Kafka's, with its types and, with a few exceptions for a single node and for
faster failure detection, its defaults. A broker key is given at start:

\`\`\`sh
millrace start --set num.partitions=3 --set log.retention.hours=24
\`\`\`

or in a \`server.properties\` of Apache Kafka (\`millrace start --config server.properties\`), or in the
\`config\` option of \`startCluster()\`. Keys marked _yes_ under _run time_ can also be changed while
the broker runs, for one broker or for all of them, with any client that sends
IncrementalAlterConfigs, such as \`kafka-configs.sh\`. A topic key is given when a topic is created
(\`millrace topics create orders --config retention.ms=3600000\`) and can be changed at any time.

An unknown key, an invalid value and a key that needs a feature this version does not have are
rejected, with a message that says why; an unknown key in a file is reported in a notice, as Apache
Kafka accepts those. No key is accepted and silently ignored. A node with one role, and a quorum of
several controllers, can be configured but not started in this version.
`;

/** Returns the whole page. */
export function configurationPage(): string {
  const sections = [INTRODUCTION, "## Broker keys\n"];
  for (const [title, keys] of Object.entries(BROKER_KEY_GROUPS)) {
    const rows = keys.filter((key) => !hasOneValue(key)).sort(byName).map(brokerRow);
    sections.push(`### ${title}\n`, table(BROKER_COLUMNS, rows));
  }
  const topicKeys = [...TOPIC_KEYS.values()];
  sections.push(
    "## Topic keys\n",
    "The default of a topic key is the value of its broker key, if it has one.\n",
    table(TOPIC_COLUMNS, topicKeys.filter((key) => !hasOneValue(key)).map(topicRow)),
    "## Keys with one supported value\n",
    "These can be read, and set to the value that they already have. Any other value needs the feature\n" +
      "named, and is rejected.\n",
    "### Broker\n",
    table(SINGLE_VALUE_COLUMNS, singleValueKeys().map(singleValueRow)),
    "### Topic\n",
    table(SINGLE_VALUE_COLUMNS, topicKeys.filter(hasOneValue).map(singleValueRow)),
    "## Accepted keys without effect\n",
    "A start with one of these succeeds and prints a notice that names it. Their type and range are\n" +
      "checked.\n",
    table(["because", "keys"], unusedRows()),
    "## Rejected keys\n",
    "These keys of Apache Kafka, and all keys that begin with one of the prefixes (which end with a dot),\n" +
      "are rejected, except those in the tables above.\n",
    table(
      ["because", "keys and prefixes"],
      REJECTED_KEYS.map(([names, reason]) => [
        reason,
        listed(names),
      ]),
    ),
  );
  return sections.join("\n");
}

const BROKER_COLUMNS = ["key", "type", "default", "range", "run time", "meaning"];
const TOPIC_COLUMNS = ["key", "broker key", "type", "default", "range", "meaning"];
const SINGLE_VALUE_COLUMNS = ["key", "value", "any other needs", "meaning"];

function singleValueKeys(): ConfigDefinition[] {
  const others = Object.values(BROKER_KEY_GROUPS).flat().filter(hasOneValue);
  return [...SINGLE_VALUE_KEYS, ...others].sort(byName);
}

function brokerRow(key: ConfigDefinition): string[] {
  return [
    code(key.name),
    key.type,
    defaultOf(key),
    rangeOf(key),
    key.dynamic ? "yes" : "",
    meaningOf(key),
  ];
}

function topicRow(key: TopicKey): string[] {
  return [
    code(key.name),
    key.brokerKey === undefined ? "" : code(key.brokerKey),
    key.type,
    defaultOf(key),
    rangeOf(key),
    meaningOf(key),
  ];
}

function singleValueRow(key: ConfigDefinition): string[] {
  const values = key.supported ?? [key.default ?? ""];
  return [code(key.name), listed(values), key.needs!, meaningOf(key)];
}

function unusedRows(): string[][] {
  const byReason = new Map<string, string[]>();
  const reasons = [...UNUSED_KEYS].map(([name, { reason }]) => [name, reason] as const);
  for (const [name, reason] of reasons) {
    byReason.set(reason, [...byReason.get(reason) ?? [], name]);
  }
  return [...byReason].map(([reason, names]) => [reason, listed(names)]);
}

function defaultOf({ default: value }: ConfigDefinition): string {
  if (value === null) return "none";
  return value === "" ? "empty" : code(value);
}

function rangeOf(key: ConfigDefinition): string {
  const isZeroRejected = key.type !== "string" && key.type !== "list" && key.reject?.("0");
  return [boundsOf(key), ...(isZeroRejected ? ["not 0"] : [])].filter((text) => text !== "").join(
    ", ",
  );
}

function boundsOf({ type, min, max, oneOf }: ConfigDefinition): string {
  if (oneOf !== undefined) return oneOf.map(code).join(" ");
  if (type === "boolean") return "`true` `false`";
  const isBounded = max !== undefined && max !== MAX_INT;
  if (min !== undefined) return isBounded ? `${min} to ${max}` : `${min} or more`;
  return isBounded ? `${max} or less` : "";
}

function meaningOf({ documentation, default: value }: ConfigDefinition): string {
  const note = value === MAX_LONG_TEXT ? " The default is no limit." : "";
  return documentation.replaceAll("|", "\\|") + note;
}

function byName(one: ConfigDefinition, other: ConfigDefinition): number {
  return one.name < other.name ? -1 : 1;
}

function listed(names: readonly string[]): string {
  return names.map((name) => name === "" ? "empty" : code(name)).join(" ");
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Returns a Markdown table with aligned columns, as `deno fmt` writes it. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return line(header) + rule + rows.map(line).join("");
}

if (import.meta.main) Deno.writeTextFileSync(CONFIGURATION_PAGE, configurationPage());
