/**
 * The process of a command: arguments, terminal, signals, files. Uses Deno's functions on Deno, and
 * `node:process` and `node:fs` elsewhere: loading these on Deno would take a quarter of the start time.
 *
 * @module
 */

/** A text file open for writing. */
export interface TextFile {
  write(text: string): void;
  close(): void;
}

/** A file or stream. `writeSync` returns the number of bytes written. */
interface Sink {
  writeSync(bytes: Uint8Array): number;
  close(): void;
}

/** Another process that runs a command of this program. */
export interface ChildProcess {
  readonly pid: number;
  readonly output: ReadableStream<Uint8Array>;
  readonly errors: ReadableStream<Uint8Array>;
  /** Resolves when it has ended, with its exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Ends its standard input. The host does so too when this process ends in whatever way. */
  endInput(): void;
  /** Ends it at once. */
  kill(): void;
}

/** The process of a command. */
export interface Host {
  readonly args: readonly string[];
  readonly isInputTerminal: boolean;
  readonly isOutputTerminal: boolean;
  /** Whether to use colours: on a terminal, unless NO_COLOR is set. */
  readonly hasColors: boolean;
  /** Returns the width of the terminal, or 80 if there is none. */
  columns(): number;
  /** Writes to the standard output, synchronously. */
  write(text: string): void;
  /** Writes to the standard error, synchronously. */
  writeError(text: string): void;
  /** Returns the standard input. */
  input(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Calls `callback` at the first SIGINT or SIGTERM. The second one ends the process immediately. */
  onInterrupt(callback: () => void): void;
  /**
   * Calls `callback` at the first SIGTERM. SIGINT, which a terminal sends to all processes of a command, is
   * left to the process that started this one.
   */
  onTermination(callback: () => void): void;
  /** Starts this program once more, with other arguments. Throws the error of the host. */
  spawn(args: readonly string[]): Promise<ChildProcess>;
  exit(code: number): never;
  /** Returns whether the module of this `import.meta` is the main module. */
  isMain(meta: ImportMeta): boolean;
  /** Returns whether the file or directory exists. */
  exists(path: string): boolean;
  /** Returns whether the path is that of a file. */
  isFile(path: string): boolean;
  /** Returns the names in a directory. Throws the error of the host. */
  list(path: string): string[];
  /** Reads a text file. Throws the error of the host. */
  readTextFile(path: string): string;
  /** Creates a directory with its parents, unless it exists. */
  makeDirectory(path: string): void;
  /** Creates or truncates a file. */
  create(path: string): Sink;
}

const utf8 = new TextEncoder();
/** Exit code of an interrupted process: 128 plus the number of SIGINT. */
const INTERRUPTED = 130;

/** The current process. */
export const host: Host = "Deno" in globalThis ? denoHost() : await nodeHost();

function denoHost(): Host {
  const isOutputTerminal = Deno.stdout.isTerminal();
  return {
    args: Deno.args,
    isInputTerminal: Deno.stdin.isTerminal(),
    isOutputTerminal,
    hasColors: isOutputTerminal && !Deno.noColor,
    columns: () => isOutputTerminal && Deno.consoleSize().columns || 80,
    write: (text) => writeAll(Deno.stdout, text),
    writeError: (text) => writeAll(Deno.stderr, text),
    input: () => Deno.stdin.readable,
    onInterrupt(callback) {
      const listener = once(callback, (code) => Deno.exit(code));
      Deno.addSignalListener("SIGINT", listener);
      // Windows has Ctrl-Break instead of SIGTERM.
      Deno.addSignalListener(Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM", listener);
    },
    onTermination(callback) {
      Deno.addSignalListener("SIGINT", () => {});
      if (Deno.build.os !== "windows") {
        Deno.addSignalListener("SIGTERM", once(callback, (code) => Deno.exit(code)));
      }
    },
    spawn: (args) => Promise.resolve(denoChild(args)),
    exit: (code) => Deno.exit(code),
    isMain: (meta) => meta.main,
    exists(path) {
      try {
        Deno.statSync(path);
        return true;
      } catch {
        return false;
      }
    },
    isFile(path) {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    },
    list: (path) => Array.from(Deno.readDirSync(path), ({ name }) => name),
    readTextFile: (path) => Deno.readTextFileSync(path),
    makeDirectory: (path) => Deno.mkdirSync(path, { recursive: true }),
    create: (path) => Deno.createSync(path),
  };
}

function denoChild(args: readonly string[]): ChildProcess {
  const own = Deno.build.standalone ? [] : ["run", "-A", Deno.mainModule];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...own, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    pid: child.pid,
    output: child.stdout,
    errors: child.stderr,
    ended: child.status.then(({ code, signal }) => signal ?? code),
    // It may have ended, and its input with it.
    endInput: () => void child.stdin.close().catch(() => {}),
    kill() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    },
  };
}

async function nodeHost(): Promise<Host> {
  const fs = await import("node:fs");
  const { default: process } = await import("node:process");
  const { pathToFileURL } = await import("node:url");
  const isOutputTerminal = process.stdout.isTTY === true;
  const sink = (descriptor: number): Sink => ({
    writeSync: (bytes) => fs.writeSync(descriptor, bytes),
    close: () => fs.closeSync(descriptor),
  });
  return {
    args: process.argv.slice(2),
    isInputTerminal: process.stdin.isTTY === true,
    isOutputTerminal,
    hasColors: isOutputTerminal && (process.env.NO_COLOR ?? "") === "",
    columns: () => process.stdout.columns || 80,
    write: (text) => writeAll(sink(1), text),
    writeError: (text) => writeAll(sink(2), text),
    input: () => streamOf(process.stdin),
    onInterrupt(callback) {
      const listener = once(callback, (code) => process.exit(code));
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
    },
    onTermination(callback) {
      process.on("SIGINT", () => {});
      process.on("SIGTERM", once(callback, (code) => process.exit(code)));
    },
    spawn: (args) => nodeChild(process, args),
    exit: (code) => process.exit(code),
    // Node has import.meta.main from version 24.2 on.
    isMain: (meta) => meta.main ?? meta.url === pathToFileURL(process.argv[1] ?? "").href,
    exists: (path) => fs.existsSync(path),
    isFile: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true,
    list: (path) => fs.readdirSync(path),
    readTextFile: (path) => fs.readFileSync(path, "utf8"),
    makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
    create: (path) => sink(fs.openSync(path, "w")),
  };
}

/** Where the scripts of an executable are that Bun has compiled. */
const BUN_EXECUTABLE = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/;

async function nodeChild(
  { execPath, execArgv, argv: [, script = ""] }: typeof import("node:process"),
  args: readonly string[],
): Promise<ChildProcess> {
  const { spawn } = await import("node:child_process");
  const { Readable } = await import("node:stream");
  const own = BUN_EXECUTABLE.test(script) ? [] : [...execArgv, script];
  const child = spawn(execPath, [...own, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  return {
    pid: child.pid!,
    output: Readable.toWeb(child.stdout) as unknown as ReadableStream<Uint8Array>,
    errors: Readable.toWeb(child.stderr) as unknown as ReadableStream<Uint8Array>,
    ended: new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? code ?? 1));
    }),
    endInput: () => void child.stdin.end(),
    kill: () => void child.kill("SIGKILL"),
  };
}

function once(callback: () => void, exit: (code: number) => never): () => void {
  let isFirst = true;
  return () => {
    if (!isFirst) exit(INTERRUPTED);
    isFirst = false;
    callback();
  };
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
  });
}

/** Writes all of `text`, waiting while a pipe is full. Ends the process if the pipe has been closed. */
function writeAll(target: Pick<Sink, "writeSync">, text: string): void {
  const bytes = utf8.encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += target.writeSync(bytes.subarray(at));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "EPIPE" || (error as Error).name === "BrokenPipe") host.exit(0);
      if (code !== "EAGAIN") throw error;
    }
  }
}

/** Creates or truncates a text file whose writes are buffered. */
export function createTextFile(path: string): TextFile {
  const file = host.create(path);
  let text = "";
  const flush = () => {
    const bytes = utf8.encode(text);
    text = "";
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  };
  return {
    write(more) {
      text += more;
      if (text.length > 65_536) flush();
    },
    close() {
      flush();
      file.close();
    },
  };
}

/** Resolves in the next turn of the event loop. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
