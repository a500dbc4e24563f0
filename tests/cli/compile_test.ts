/**
 * The executable that `deno task compile` makes. Its run-time stub has to be downloaded, so the program of
 * Deno stands in for it: the executable is not started, but it contains the same files.
 */
import { assert, assertEquals } from "@std/assert";
import { basename } from "node:path";
import { test } from "../harness.ts";

/** The names of the modules below `folder`, each as often as it occurs. */
function* modulesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* modulesBelow(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield name;
  }
}

function countOf(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

test("deno task compile embeds every module, also those that are loaded on demand", async () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync("deno.json"));
  const words: string[] = tasks.compile.command.split(" ");
  const output = words.indexOf("--output") + 1;
  const directory = Deno.makeTempDirSync({ prefix: "millrace-compile-" });
  try {
    const path = `${directory}/${basename(words[output]!)}`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...words.slice(1, output), path, "--no-check", ...words.slice(output + 1)],
      env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const embedded = Deno.readFileSync(path).subarray(Deno.statSync(Deno.execPath()).size);
    const text = new TextDecoder("latin1").decode(embedded);
    const expected = countOf([...modulesBelow("cli"), ...modulesBelow("src")]);
    assert(expected.size > 100);
    // How Deno lists a file among those embedded: its name, then the place of its content.
    const listed = [...text.matchAll(/"([^"/]+\.ts)","o":\[/g)].map(([, name]) => name!);
    const counts = countOf(listed);
    const missing = [...expected].filter(([name, times]) => (counts.get(name) ?? 0) < times);
    assertEquals(missing, []);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
