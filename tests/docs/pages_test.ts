/** README.md and docs/: links lead somewhere, commands are valid, quoted messages exist. */
import { assertEquals } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { host } from "../../cli/host.ts";
import { main } from "../../cli/main.ts";
import { test } from "../harness.ts";
import { modules, readText } from "../tidy.ts";

const PAGES = [
  "README.md",
  "bench/README.md",
  ...readdirSync("docs").map((name) => `docs/${name}`),
];

/** Returns the headings of a page as GitHub names their anchors. */
function anchors(path: string): Set<string> {
  const headings = readText(path).replace(/^```[\s\S]*?^```/gm, "").match(/^#+ .*$/gm) ?? [];
  return new Set(
    headings.map((line) =>
      line.replace(/^#+ /, "").toLowerCase().replace(/[^\p{L}\p{N}\- _]/gu, "").replaceAll(" ", "-")
    ),
  );
}

test("links in README.md and docs/ lead to files and headings that exist", () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const folder = page.includes("/") ? page.slice(0, page.lastIndexOf("/")) : ".";
    for (const [, target] of readText(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path === "" ? page : resolve(folder, path!);
      if (!existsSync(file)) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && !anchors(file).has(anchor)) {
        broken.push(`${page}: ${target}`);
      }
    }
  }
  assertEquals(broken, []);
});

/** Resolves `path` from `folder`, both relative to the project's root. */
function resolve(folder: string, path: string): string {
  const parts = folder === "." ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Returns the calls of `millrace` in the blocks of shell commands of all pages. */
function commandLines(): string[][] {
  const lines = PAGES.flatMap((page) =>
    [...readText(page).matchAll(/```(?:sh|ini|dockerfile)\n([\s\S]*?)```/g)]
      .flatMap(([, block]) => block!.split("\n"))
  );
  const calls: string[][] = [];
  for (const line of lines) {
    const entry = /^ENTRYPOINT (\[.*\])$/.exec(line)?.[1];
    if (entry !== undefined) calls.push((JSON.parse(entry) as string[]).slice(2));
    const [, command] = /(?:^|\| |\/bin\/)(?:xargs -0 )?millrace (\w[^#|]*)/.exec(line) ?? [];
    if (command !== undefined) calls.push(command.trim().split(/\s+/));
  }
  return calls;
}

test("commands in README.md and docs/ have arguments that the command accepts", async () => {
  const calls = commandLines();
  assertEquals(calls.length > 10, true, `${calls.length} commands`);
  const { write, writeError } = host;
  const said: string[] = [];
  host.write = () => {};
  host.writeError = (text) => void said.push(text);
  try {
    // With --help a command ends once its flags are parsed.
    for (const call of calls) {
      if (await main([...call, "--help"]) !== 0) said.push(call.join(" "));
    }
  } finally {
    Object.assign(host, { write, writeError });
  }
  assertEquals(said, []);
});

test("docs/operations.md quotes messages as the code has them", () => {
  const section = readText("docs/operations.md").split("\n## Storage errors")[1]!;
  const quoted = [...section.matchAll(/^\| (`[^|]*?) +\|/gm)]
    .flatMap(([, cell]) => cell!.match(/`[^`]+`/g)!)
    .map((text) => text.slice(1, -1));
  assertEquals(quoted.length > 25, true, `${quoted.length} messages`);
  // Texts that are put together from several literals are searched as one.
  const code = modules("src")
    .map(({ path }) => readFileSync(path, "utf8").replace(/["`] \+\s*["`]/g, ""))
    .join("\n");
  assertEquals(quoted.filter((text) => !code.includes(text)), []);
});
