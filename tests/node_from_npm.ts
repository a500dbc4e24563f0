/**
 * Node.js for the tests, from the npm packages that ship it: the tests do not depend on which version
 * the machine has.
 *
 * @module
 */

/** The oldest Node.js that Millrace supports. */
export const OLDEST_NODE = "22.15.0";

const CACHE = new URL("../.cache/", import.meta.url).pathname;

/** Returns the path of Node.js `version`, which is installed on first use. Throws when npm fails. */
export async function nodeFromNpm(version: string): Promise<string> {
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const system = Deno.build.os === "windows" ? "win" : Deno.build.os;
  const name = `node-${system}-${architecture}`;
  const directory = `${CACHE}node-${version}`;
  const program = `${directory}/node_modules/${name}/bin/node`;
  if (await isVersion(program, version)) return program;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/package.json`, `{ "private": true }\n`);
  const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`];
  const npm = new Deno.Command("npm", { args: install, cwd: directory });
  const { success, stderr } = await npm.output();
  if (success) return program;
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot install Node.js ${version} with npm: ${reason}`);
}

async function isVersion(program: string, version: string): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim() === `v${version}`;
  } catch {
    return false;
  }
}
