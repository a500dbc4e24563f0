/**
 * The help of a command, and the list of commands.
 *
 * @module
 */
import type { CommandSpec } from "./args.ts";
import { bold, columns, dim } from "./output.ts";

/** Returns the help of a command, as lines. */
export function commandHelp(spec: CommandSpec): string[] {
  const { name, summary, details = [], positionals, flags, examples = [] } = spec;
  const lines = [summary, ...(details.length > 0 ? ["", ...details] : []), "", bold("Usage")];
  if (positionals.length > 0) {
    lines.push(`  millrace ${name} ${positionals.map((one) => one.name).join(" ")} [flags]`);
  }
  lines.push(`  millrace ${name} [flags]`);
  const rows = flags.map((flag) => {
    const positional = positionals.find((one) => one.flag === flag.name);
    const notes = [
      ...(positional === undefined ? [] : [`or ${positional.name}`]),
      ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
      ...(flag.isList ? ["may be repeated"] : []),
    ];
    const value = flag.value === undefined ? "" : ` ${flag.value}`;
    const note = notes.length === 0 ? "" : " " + dim(`(${notes.join(", ")})`);
    return [`--${flag.name}${value}`, flag.help + note];
  });
  rows.push(["-h, --help", "show this help"]);
  lines.push("", bold("Flags"), ...columns(rows, 2));
  if (examples.length > 0) {
    lines.push("", bold("Examples"), ...examples.map((example) => `  ${example}`));
  }
  return lines;
}

/** Returns the list of commands, as lines. */
export function overview(commands: readonly { name: string; summary: string }[]): string[] {
  return [
    "Millrace, a durable publish-subscribe log that speaks Apache Kafka's protocol.",
    "",
    bold("Usage"),
    "  millrace <command> [arguments]",
    "",
    bold("Commands"),
    ...columns(commands.map(({ name, summary }) => [name, summary]), 2),
    "",
    `"millrace <command> --help" shows the help of a command, "millrace --version" the version.`,
  ];
}
