import { assertEquals, assertThrows } from "@std/assert";
import { type Arguments, type CommandSpec, parseCommand } from "../../cli/args.ts";
import { closest, explain, UsageError } from "../../cli/fail.ts";
import { parseFrom, parseSettings } from "../../cli/client_flags.ts";
import { commandHelp } from "../../cli/help.ts";
import { test } from "../harness.ts";

const spec: CommandSpec = {
  name: "sample",
  summary: "Shows how",
  positionals: [{ name: "<host>", flag: "host" }, { name: "<port>", flag: "port" }],
  flags: [
    { name: "host", value: "<ip>", help: "where", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "which", default: "9092" },
    { name: "bootstrap", value: "<ip:port>", help: "both" },
    { name: "set", value: "<key=value>", help: "more", isList: true },
    { name: "flag", value: "<1|0>", help: "on or off" },
    { name: "quiet", help: "say nothing" },
  ],
};

const parse = (...args: string[]): Arguments => parseCommand(spec, args)!;
const rejects = (text: string, ...args: string[]) =>
  assertThrows(
    () => {
      const parsed = parse(...args);
      parsed.bootstrapServers();
      if (parsed.has("flag")) parsed.truth("flag");
    },
    UsageError,
    text,
  );

test("positional arguments and their flags are equivalent", () => {
  assertEquals(parse("::1", "7").bootstrapServers(), "[::1]:7");
  assertEquals(parse("--host", "a.example", "--port=7").bootstrapServers(), "a.example:7");
  assertEquals(parse().bootstrapServers(), "127.0.0.1:9092");
  assertEquals(parse("--bootstrap", "a:1,b:2").bootstrapServers(), "a:1,b:2");
});

test("positional arguments are kept as text", () => {
  assertEquals(parse("007", "1").text("host"), "007");
  assertEquals(parse("1e3", "1").text("host"), "1e3");
});

test("parseCommand() parses repeated flags, switches and --help", () => {
  const args = parse("--set", "a=1", "--set", "b=2", "--quiet");
  assertEquals(args.list("set"), ["a=1", "b=2"]);
  assertEquals([args.isOn("quiet"), parse().isOn("quiet")], [true, false]);
  assertEquals(parse().list("set"), []);
  assertEquals([parseCommand(spec, ["--help"]), parseCommand(spec, ["-h", "x"])], [null, null]);
});

test("parseCommand() rejects invalid arguments and names them", () => {
  rejects(`has no flag --prot, did you mean --port?`, "--prot", "1");
  rejects(`has no flag -x`, "-x");
  rejects("takes 2 arguments (<host> <port>), or none and flags, 1 were given", "one");
  rejects("3 were given", "a", "1", "b");
  rejects("<host> and --host mean the same", "a", "1", "--host", "b");
  rejects("--port needs a value: --port <port>", "--port");
  rejects("--set needs a value", "--set", "a=1", "--set");
  rejects(
    `<port> (or --port) cannot be "abc": it takes a whole number from 1 to 65,535`,
    "a",
    "abc",
  );
  rejects(`cannot be "0"`, "--port", "0");
  rejects(`cannot be "65536"`, "--port", "65536");
  rejects(`cannot be "1.5"`, "--port", "1.5");
  rejects(`<host> (or --host) cannot be "a b"`, "--host", "a b");
  rejects(
    "--bootstrap replaces <host> (or --host) and --port: give one or the other",
    "--bootstrap",
    "a:1",
    "--port",
    "2",
  );
  rejects(`--flag cannot be "2": it takes true (or 1) or false (or 0)`, "--flag", "2");
  rejects("--port is given 2 times: give it once", "--port", "1", "--port=2");
  rejects("--quiet takes no value", "--quiet=no");
  rejects(`--bootstrap cannot be "a"`, "--bootstrap", "a");
  rejects(`--bootstrap cannot be "a:1,b"`, "--bootstrap", "a:1,b");
});

test("truth() accepts 1, 0, true and false in any case", () => {
  const truths = ["1", "true", "TRUE", "0", "false", "False"].map((text) =>
    parse("--flag", text).truth("flag")
  );
  assertEquals(truths, [true, true, true, false, false, false]);
});

test("text() names a missing flag", () => {
  assertThrows(() => parse().text("flag"), UsageError, `"sample" needs --flag`);
});

test("parseFrom() parses words, offsets and times", () => {
  assertEquals(["earliest", "latest", "42"].map(parseFrom), ["earliest", "latest", 42]);
  assertEquals(parseFrom("2026-01-31T12:00:00Z"), { timestamp: 1_769_860_800_000 });
  for (const text of ["yesterday", "-1", "1 2"]) {
    assertThrows(() => parseFrom(text), UsageError, `"${text}"`);
  }
});

test("reject() names a flag without effect, and ignores positionals", () => {
  assertThrows(
    () => parse("--host", "a").reject(["port", "host"], "here"),
    UsageError,
    "--host has no effect here: omit it",
  );
  parse("a", "1").reject(["port", "host"], "here");
  parse().reject(["port", "host"], "here");
});

test("optionalPositive() accepts fractions up to its maximum", () => {
  assertEquals(parse("--port", "0.5").optionalPositive("port", 1), 0.5);
  assertThrows(() => parse("--port", "1.1").optionalPositive("port", 1), UsageError, "up to 1");
  assertThrows(() => parse("--port", "0").optionalPositive("port", 1), UsageError, "above 0");
});

test("parseSettings() rejects two values of one key, and accepts a key of any name", () => {
  assertEquals(parseSettings("set", ["a=1", "a=1"]), { a: "1" });
  assertThrows(
    () => parseSettings("set", ["a=1", "a=2"]),
    UsageError,
    `--set sets "a" to both "1" and "2": give one value`,
  );
  assertEquals(Object.keys(parseSettings("set", ["__proto__=1"])), ["__proto__"]);
});

test("parseSettings() splits at the first =", () => {
  assertEquals(parseSettings("set", ["a=1", "b = x=y", "c="]), { a: "1", b: "x=y", c: "" });
  assertThrows(() => parseSettings("set", ["novalue"]), UsageError, `--set cannot be "novalue"`);
});

test("explain() returns one line for any thrown value", () => {
  assertEquals(explain(new UsageError("wrong")), { message: "wrong", exitCode: 2 });
  assertEquals(explain(new Error("first\n  second")), { message: "first second", exitCode: 1 });
  assertEquals(explain("text"), { message: "text", exitCode: 1 });
});

test("closest() returns the nearest candidate, or null if none is similar", () => {
  assertEquals(closest("strat", ["start", "topics"]), "start");
  assertEquals(closest("consumr", ["consumer", "producer"]), "consumer");
  assertEquals(closest("zzzzzz", ["start", "topics"]), null);
});

test("commandHelp() lists every argument with its default", () => {
  const help = commandHelp(spec).join("\n");
  for (
    const text of [
      "millrace sample <host> <port> [flags]",
      "which (or <port>, default 9092)",
      "more (may be repeated)",
      "--quiet",
    ]
  ) assertEquals(help.includes(text), true, text);
});

test("the last positional collects the remaining arguments if its flag may be repeated", () => {
  const files: CommandSpec = {
    name: "show",
    summary: "Shows files",
    positionals: [{ name: "<how>", flag: "how" }, { name: "<file>…", flag: "file" }],
    flags: [
      { name: "how", value: "<how>", help: "how" },
      { name: "file", value: "<file>", help: "a file", isList: true },
    ],
  };
  const args = parseCommand(files, ["deep", "a", "007", "c"])!;
  assertEquals([args.text("how"), args.list("file")], ["deep", ["a", "007", "c"]]);
  assertThrows(() => parseCommand(files, ["deep"]), UsageError, "<how> <file>…");
  assertThrows(() => parseCommand(files, ["deep", "a", ""]), UsageError, "<file>… cannot be empty");
  assertThrows(() => parseCommand(files, ["deep", "a", "--file", "b"]), UsageError, "same");
});
