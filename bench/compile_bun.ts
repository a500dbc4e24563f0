/**
 * Builds an executable with Bun's compiler: `deno task compile:bun`. Deno bundles the command line into
 * one file first, since Bun does not support `jsr:` imports.
 *
 * @module
 */
const OUTPUT = "dist/millrace-bun";
const BUN_VERSION = "1.4.5";

const root = new URL("..", import.meta.url).pathname;

/** Runs a program in the project's directory. Throws if it fails. */
async function run(command: readonly string[]): Promise<void> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, cwd: root, stdin: "null" }).spawn();
  const { success, code } = await child.status;
  if (!success) throw new Error(`${command.join(" ")} ended with ${code}`);
}

/** Returns the command of an installed Bun, or of the one from npm. */
function bun(): string[] {
  try {
    const { success } = new Deno.Command("bun", { args: ["--version"], stdout: "null" })
      .outputSync();
    if (success) return ["bun"];
  } catch {
    // Not installed.
  }
  return ["npx", "--yes", `bun@${BUN_VERSION}`];
}

const bundle = await Deno.makeTempFile({ suffix: ".js" });
try {
  await Deno.mkdir(`${root}dist`, { recursive: true });
  await run([Deno.execPath(), "bundle", "--quiet", "--output", bundle, "cli/main.ts"]);
  await run([...bun(), "build", "--compile", bundle, "--outfile", OUTPUT]);
} catch (error) {
  console.error(`Cannot build ${OUTPUT}: ${(error as Error).message}`);
  Deno.exit(1);
} finally {
  await Deno.remove(bundle);
}
console.log(`${OUTPUT} is ready: ${OUTPUT} start`);
