/**
 * Installs the dependencies of the interop clients once, from the public package registries.
 * Everything except kcat (a system package) is in one cache directory, with a note of what it was
 * built from.
 *
 * @module
 */

import { nodeFromNpm } from "../node_from_npm.ts";

/** An installed client: the command to which its arguments are appended. */
export interface Installed {
  command: string[];
  env?: Record<string, string>;
}

/** A failed installation step. The message names the step and has its output. */
export class SetupError extends Error {
  override name = "SetupError";
}

/**
 * The Node.js version required by @platformatic/kafka, installed from its npm package if the local
 * one is older.
 */
const NODE_FOR_PLATFORMATIC = { atLeast: [22, 22], version: "24.21.0" } as const;

const sources = new URL("./clients/", import.meta.url);

/** Installs clients into a cache directory. */
export class Setup {
  readonly #cache: string;
  #staged = false;

  /** Uses `cache`, an absolute path, which is created if it is missing. */
  constructor(cache: string) {
    this.#cache = cache;
  }

  /**
   * Installs one client.
   *
   * @throws {SetupError} if a tool is missing or an installation fails
   */
  async install(client: string): Promise<Installed> {
    await this.#stage();
    switch (client) {
      case "kcat":
        return await this.#kcat();
      case "kafkajs":
        return await this.#npm(client, "node");
      case "platformatic":
        return await this.#npm(client, await this.#nodeForPlatformatic());
      case "python":
        return await this.python("main.py");
      case "java":
        return await this.java("Main");
      case "go":
        return await this.#go();
    }
    throw new SetupError(`unknown client "${client}"`);
  }

  /** Returns a Python program of the python client, run in an environment with confluent-kafka. */
  async python(program: string): Promise<Installed> {
    await this.#stage();
    const venv = `${this.#cache}/python`;
    const requirements = this.#path("python/requirements.txt");
    const made = await Deno.readTextFile(requirements) + await output(["python3", "--version"]);
    await this.#once("python", made, async () => {
      await removed(venv);
      await execute(["python3", "-m", "venv", venv]);
      await execute([`${venv}/bin/pip`, "install", "--quiet", "--requirement", requirements]);
    });
    return { command: [`${venv}/bin/python`, this.#path(`python/${program}`)] };
  }

  /**
   * Returns the command that runs a class of Apache Kafka, to be followed by the class and its
   * arguments.
   */
  async kafka(): Promise<Installed> {
    return await this.#kafkaJars("kafka");
  }

  /**
   * Returns the command that runs Kafka's shell for metadata snapshots, in the newest version on Maven
   * Central, 4.3.1: it reads metadata up to that version.
   */
  async kafkaShell(): Promise<Installed> {
    return await this.#kafkaJars("kafka-shell");
  }

  async #kafkaJars(client: string): Promise<Installed> {
    await this.#stage();
    const directory = this.#path(client);
    const jars = `${this.#cache}/${client}`;
    await this.#once(
      `${client}-jars`,
      await Deno.readTextFile(`${directory}/pom.xml`),
      async () => {
        await removed(jars);
        const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"];
        await execute(["mvn", "-B", "-q", ...goal, `-DoutputDirectory=${jars}`], { directory });
      },
    );
    return {
      command: [
        ...["java", "-XX:TieredStopAtLevel=1", "-Xmx384m", "-Djava.awt.headless=true"],
        ...["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8"],
        ...[`-Dlog4j2.configurationFile=${this.#path("kafka")}/log4j2.properties`],
        ...["-cp", `${jars}/*`],
      ],
    };
  }

  /** Returns the failing disk as a library to preload. Needs a C compiler. */
  async failingDisk(): Promise<string> {
    if (Deno.build.os !== "linux") {
      throw new SetupError("clients/disk/failing_disk.c is written for Linux");
    }
    await this.#stage();
    const source = this.#path("disk/failing_disk.c");
    const library = `${this.#cache}/failing_disk.so`;
    const made = await Deno.readTextFile(source) + await output(["cc", "--version"]);
    const flags = ["-O2", "-shared", "-fPIC"];
    await this.#once("disk", made, () => execute(["cc", ...flags, "-o", library, source, "-ldl"]));
    return library;
  }

  #path(name: string): string {
    return `${this.#cache}/clients/${name}`;
  }

  /** Copies the programs into the cache, next to their dependencies. */
  async #stage(): Promise<void> {
    if (this.#staged) return;
    await copyDirectory(sources, this.#path(""));
    this.#staged = true;
  }

  /** Runs `install` unless it has run before with the same `fingerprint`. */
  async #once(name: string, fingerprint: string, install: () => Promise<void>): Promise<void> {
    const note = `${this.#cache}/${name}.installed`;
    if (await Deno.readTextFile(note).catch(() => "") === fingerprint) return;
    await removed(note);
    await install();
    await Deno.writeTextFile(note, fingerprint);
  }

  async #kcat(): Promise<Installed> {
    if (!await works(["kcat", "-V"])) {
      const env = { DEBIAN_FRONTEND: "noninteractive" };
      const get = Deno.uid() === 0 ? ["apt-get"] : ["sudo", "-n", "apt-get"];
      await execute([...get, "update", "-q"], { env });
      await execute([...get, "install", "-y", "-q", "--no-install-recommends", "kcat"], { env });
    }
    return { command: [Deno.execPath(), "run", "-A", "--no-config", this.#path("kcat/main.ts")] };
  }

  async #npm(client: string, node: string): Promise<Installed> {
    const directory = this.#path(client);
    const lock = await Deno.readTextFile(`${directory}/package-lock.json`);
    // npm may warn that a client requires a newer Node.js than npm's own; the client is run with
    // the required one.
    await this.#once(
      client,
      lock,
      () => execute(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], { directory }),
    );
    return { command: [node, `${directory}/main.mjs`] };
  }

  async #nodeForPlatformatic(): Promise<string> {
    const { atLeast, version } = NODE_FOR_PLATFORMATIC;
    const [major = 0, minor = 0] = (await output(["node", "--version"])).slice(1).split(".").map(
      Number,
    );
    if (major > atLeast[0] || (major === atLeast[0] && minor >= atLeast[1])) return "node";
    return await nodeFromNpm(version);
  }

  /** Returns a program of the Java client, by the name of its class. */
  async java(program: string): Promise<Installed> {
    await this.#stage();
    const directory = this.#path("java");
    const jars = `${this.#cache}/java/jars`;
    const classes = `${this.#cache}/java/classes`;
    await this.#once("java-jars", await Deno.readTextFile(`${directory}/pom.xml`), async () => {
      await removed(jars);
      const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"];
      await execute(["mvn", "-B", "-q", ...goal, `-DoutputDirectory=${jars}`], { directory });
    });
    const files = ["Main.java", "AdminRequests.java", "Records.java", "Stream.java"].map((name) =>
      `${directory}/src/${name}`
    );
    await this.#once("java-classes", await contents(files), async () => {
      await removed(classes);
      await execute(["javac", "-encoding", "UTF-8", "-cp", `${jars}/*`, "-d", classes, ...files]);
    });
    const path = [classes, `${jars}/*`].join(Deno.build.os === "windows" ? ";" : ":");
    // Runs are so short that the optimizing compiler does not pay off.
    return { command: ["java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", path, program] };
  }

  async #go(): Promise<Installed> {
    const directory = this.#path("go");
    const program = `${this.#cache}/go/program`;
    const files = ["go.mod", "go.sum", "main.go", "records.go"].map((name) =>
      `${directory}/${name}`
    );
    const made = await contents(files) + await output(["go", "version"]);
    await this.#once("go", made, () => execute(["go", "build", "-o", program, "."], { directory }));
    return { command: [program] };
  }
}

async function contents(files: string[]): Promise<string> {
  return (await Promise.all(files.map((file) => Deno.readTextFile(file)))).join("\0");
}

async function removed(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Copies every file, replacing existing files. Other files in the target are kept. */
async function copyDirectory(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    // Skips files that a client's tools may have left beside the sources.
    if (name === "node_modules" || name === "__pycache__") continue;
    if (isDirectory) await copyDirectory(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

interface Where {
  directory?: string;
  env?: Record<string, string>;
}

async function run(command: string[], where: Where): Promise<Deno.CommandOutput> {
  const [program, ...args] = command;
  return await new Deno.Command(program!, {
    args,
    ...(where.directory === undefined ? {} : { cwd: where.directory }),
    ...(where.env === undefined ? {} : { env: where.env }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(300_000),
  }).output();
}

/** Runs a command and returns its output. Throws if the command fails. */
async function output(command: string[], where: Where = {}): Promise<string> {
  let result;
  try {
    result = await run(command, where);
  } catch (error) {
    throw new SetupError(`cannot run "${command[0]}": ${(error as Error).message}`);
  }
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (result.success) return decode(result.stdout);
  const said = `${decode(result.stdout)}\n${decode(result.stderr)}`.trim().slice(-600);
  throw new SetupError(`"${command.join(" ")}" ended with ${result.code}: ${said}`);
}

async function execute(command: string[], where: Where = {}): Promise<void> {
  await output(command, where);
}

async function works(command: string[]): Promise<boolean> {
  return await run(command, {}).then(({ success }) => success, () => false);
}
