/**
 * Runs the unit tests under Node or Bun: `deno run -A tests/elsewhere.ts node|bun [name …]`.
 *
 * Each test file is bundled, so that neither needs to know TypeScript or where `@std` comes from,
 * and then run by the runtime's own test runner from the project's root. Tests of the commands
 * (`tests/cli/`) start Deno and stay with it, and so do those of real clients and of Deno's own files.
 *
 * @module
 */
const BUN = "bun@1.4.5";
const OUT = ".cache/elsewhere";
const STAY_WITH_DENO = ["tests/cli/", "tests/interop/", "tests/runtime/deno_files_test.ts"];

const [runtime, ...wanted] = Deno.args;
if (runtime !== "node" && runtime !== "bun") {
  console.error("Say which runtime: deno run -A tests/elsewhere.ts node|bun [name …]");
  Deno.exit(2);
}

const files = [...testFiles("tests")]
  .filter((path) => !STAY_WITH_DENO.some((folder) => path.startsWith(folder)))
  .filter((path) => wanted.length === 0 || wanted.some((name) => path.includes(name)))
  .sort();
const folder = `${OUT}/${runtime}`;
await Deno.remove(folder, { recursive: true }).catch(() => {});
await Deno.mkdir(folder, { recursive: true });
const bundles = files.map((path) => {
  const name = path.slice("tests/".length).replaceAll("/", "__").replace(/_test\.ts$/, ".test.mjs");
  return { path, bundle: `${folder}/${name}` };
});

const queue = [...bundles];
const bundlers = Array.from({ length: navigator.hardwareConcurrency }, async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    await run(Deno.execPath(), [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--external=node:*",
      "--external=bun:*",
      `--output=${next.bundle}`,
      next.path,
    ]);
  }
});
await Promise.all(bundlers);

const paths = bundles.map(({ bundle }) => `./${bundle}`);
const hasBun = await succeeds("bun", ["--version"]);
const [command, args] = runtime === "node"
  ? ["node", ["--test", "--test-concurrency=2", "--test-reporter=spec", ...paths]]
  : hasBun
  ? ["bun", ["test", "--timeout=180000", ...paths]]
  : ["npx", ["--yes", BUN, "test", "--timeout=180000", ...paths]];
const { code } = await new Deno.Command(command as string, { args: args as string[] }).spawn()
  .status;
Deno.exit(code);

function* testFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testFiles(path);
    else if (name.endsWith("_test.ts")) yield path;
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
