import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { test } from "../harness.ts";

test("ten_lines.ts is the script in README.md and prints the lines given there", async () => {
  const script = readFileSync("tests/readme/ten_lines.ts", "utf8");
  const readme = readFileSync("README.md", "utf8");
  assert(readme.includes(`\`\`\`ts\n${script}\`\`\``), "the README shows another script");
  const printed: string[] = [];
  const { log } = console;
  console.log = (...args: unknown[]) => void printed.push(args.join(" "));
  try {
    await import("./ten_lines.ts");
  } finally {
    console.log = log;
  }
  assertEquals(printed, ["0 one", "1 two", "2 three"]);
});
