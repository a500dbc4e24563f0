/**
 * Runs the unit tests under Node or Bun: `deno run -A tests/elsewhere.ts node|bun [name …]`.
 *
 * Each test file is bundled, so that neither runtime has to support TypeScript or resolve `@std`,
 * and then run from the project's root by the runtime's own test runner. Node is the oldest
 * supported version, from npm. Seeds are those of `deno task test:wide`. Tests of commands
 * (`tests/cli/`), which start Deno, of pages, of real clients and of Deno's own files are not included, nor
 * those that repeat a scenario over more seeds.
 *
 * Bun runs the files in two processes, each file with its own global object. In one process the
 * heap would keep everything that earlier files have loaded, and garbage collections would become
 * so long that a compaction of milliseconds takes a second.
 *
 * @module
 */
import { nodeFromNpm, OLDEST_NODE } from "./node_from_npm.ts";

const BUN = "bun@1.4.5";
const OUT = ".cache/elsewhere";
const STAY_WITH_DENO = [
  "tests/cli/",
  "tests/docs/",
  "tests/interop/",
  "tests/raft/core/simulation/seeds_test.ts",
  "tests/readme/commands_test.ts",
  "tests/runtime/deno/deno_files_test.ts",
  "tests/simulation/control_plane/seeds_test.ts",
];

const [runtime, ...wanted] = Deno.args;
if (runtime !== "node" && runtime !== "bun") {
  console.error("No runtime given, usage: deno run -A tests/elsewhere.ts node|bun [name …]");
  Deno.exit(2);
}

const files = [...filesBelow("tests", "_test.ts")]
  .filter((path) => !STAY_WITH_DENO.some((folder) => path.startsWith(folder)))
  .filter((path) => wanted.length === 0 || wanted.some((name) => path.includes(name)));
const folder = `${OUT}/${runtime}`;
await Deno.remove(folder, { recursive: true }).catch(() => {});
await Deno.mkdir(folder, { recursive: true });
await Deno.writeTextFile(`${folder}/package.json`, `{"type": "module"}\n`);
await run(Deno.execPath(), [
  "bundle",
  "--quiet",
  "--platform=deno",
  "--external=node:*",
  "--external=bun:*",
  `--outdir=${folder}`,
  ...files,
]);

// The longest first, which are those of the simulation.
const paths = [...filesBelow(folder, "_test.js")].map((path) => `./${path}`).sort().reverse();
const hasBun = await succeeds("bun", ["--version"]);
const bunTest = ["test", "--timeout=180000", "--parallel=2", ...paths];
const nodeTest = ["--test", "--test-concurrency=2", "--test-reporter=spec"];
const [command, args] = runtime === "node"
  ? [await nodeFromNpm(OLDEST_NODE), [...nodeTest, ...paths]] as const
  : hasBun
  ? ["bun", bunTest] as const
  : ["npx", ["--yes", BUN, ...bunTest]] as const;
const { code } = await new Deno.Command(command, {
  args: [...args],
  env: { MILLRACE_TESTS: "wide" },
}).spawn().status;
Deno.exit(code);

function* filesBelow(folder: string, suffix: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path, suffix);
    else if (name.endsWith(suffix)) yield path;
  }
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (success) return;
  console.error(new TextDecoder().decode(stderr));
  Deno.exit(1);
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
