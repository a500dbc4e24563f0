/**
 * The requirements of the comparison in addition to Deno: a JDK, Maven and Apache Kafka's jars, kept in
 * `.cache/`; and a description of the machine for the table.
 *
 * @module
 */
import { exists, run } from "./process.ts";

/** The version of Apache Kafka, from `pom.xml`. */
export const KAFKA_VERSION = "4.4.0";

const HERE = new URL(".", import.meta.url).pathname;
const CACHE = new URL("../../.cache/bench/", import.meta.url).pathname;
const JARS = `${CACHE}kafka-${KAFKA_VERSION}`;
const CLASSES = `${CACHE}classes`;

/** The JVM options of Kafka's own `kafka-run-class.sh`, without its heap. */
const JVM_OPTIONS = [
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
  "-Djava.awt.headless=true",
  `-Dlog4j2.configurationFile=${HERE}log4j2.properties`,
];

/** The reason why the comparison cannot run here, in one sentence. */
export class MissingToolError extends Error {
  override readonly name = "MissingToolError";
}

/** Fetches the jars and compiles `Latency.java`, each once. */
export async function prepare(): Promise<void> {
  if (Deno.build.os !== "linux") {
    throw new MissingToolError("The comparison reads /proc, so it runs on Linux only");
  }
  if (!exists("javac", "-version") || !exists("mvn", "--version")) {
    throw new MissingToolError(
      "The comparison runs Apache Kafka, so it needs a JDK (17 or later) and Maven: install both",
    );
  }
  await once(JARS, async () => {
    console.error(`Fetching Apache Kafka ${KAFKA_VERSION} from Maven Central`);
    await run([
      ...["mvn", "--batch-mode", "--quiet", "--file", `${HERE}pom.xml`],
      "dependency:copy-dependencies",
      `-DoutputDirectory=${JARS}`,
      "-DincludeScope=runtime",
    ], 900_000);
  });
  await Deno.mkdir(CLASSES, { recursive: true });
  await run(["javac", "-cp", `${JARS}/*`, "-d", CLASSES, `${HERE}Latency.java`]);
}

/** Runs `make` unless a marker beside `directory` shows that it has been done. */
async function once(directory: string, make: () => Promise<void>): Promise<void> {
  const done = `${directory}/.done`;
  if (await Deno.stat(done).then(() => true, () => false)) return;
  await Deno.mkdir(directory, { recursive: true });
  await make();
  await Deno.writeTextFile(done, "");
}

/** Returns the command that runs a class of Kafka or ours with `heap`, such as `-Xmx512M`. */
export function java(heap: readonly string[], className: string): string[] {
  return ["java", ...heap, ...JVM_OPTIONS, "-cp", `${CLASSES}:${JARS}/*`, className];
}

/** The parent of all data directories. */
let dataParent = `${CACHE}data`;

/** Puts all data directories into a new directory in `parent`, such as one on another file system. */
export function setDataParent(parent: string): void {
  dataParent = Deno.makeTempDirSync({ dir: parent, prefix: "millrace-bench-" });
}

/** Creates an empty data directory for a broker. */
export async function dataDirectory(name: string): Promise<string> {
  const path = `${dataParent}/${name}`;
  await Deno.remove(path, { recursive: true }).catch(() => {});
  await Deno.mkdir(path, { recursive: true });
  return path;
}

/** Removes all directories created by {@linkcode dataDirectory}. */
export async function removeData(): Promise<void> {
  await Deno.remove(dataParent, { recursive: true }).catch(() => {});
}

/** Returns the name of the file system with the data, such as `ext2/ext3` or `tmpfs`. */
export async function dataFileSystem(): Promise<string> {
  await Deno.mkdir(dataParent, { recursive: true });
  return (await run(["stat", "--file-system", "--format=%T", dataParent])).trim();
}

/** Returns the machine and the versions, on request with those of Kafka, as one line. */
export async function describeMachine({ kafka = true } = {}): Promise<string> {
  const cpu = /^model name\s*:\s*(.*)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const memory = Math.round(Deno.systemMemoryInfo().total / 1024 ** 3);
  return `${navigator.hardwareConcurrency} cores (${cpu ?? Deno.build.arch}), ${memory} GiB, ` +
    `data on ${await dataFileSystem()}, ` +
    `Linux ${Deno.osRelease()}, Deno ${Deno.version.deno} (V8 ${Deno.version.v8})` +
    (kafka ? `, JDK ${await jdkVersion()}, Apache Kafka ${KAFKA_VERSION}` : "");
}

async function jdkVersion(): Promise<string | undefined> {
  const version = await new Deno.Command("java", { args: ["-version"] }).output();
  return /"(.*?)"/.exec(new TextDecoder().decode(version.stderr))?.[1];
}
