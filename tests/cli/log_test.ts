/**
 * `millrace log` as a process, on a directory written by a cluster in this process. It starts Deno, so
 * other runtimes skip it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Producer, startCluster } from "../../mod.ts";
import { test } from "../harness.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const SEGMENT = "00000000000000000000";

/** Runs the command until it exits. */
async function log(...args: string[]): Promise<{ code: number; out: string[]; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "log", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout).split("\n"), err: decoder.decode(stderr) };
}

/** Registers a test with a directory that contains the topic `events` with two records, on Deno only. */
function testWithData(name: string, run: (directory: string) => Promise<void>): void {
  if (!("Deno" in globalThis)) return;
  test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-log-" });
    try {
      const cluster = await startCluster({ dataDir: directory, topics: [{ name: "events" }] });
      const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
      await producer.send({ topic: "events", key: "a", value: "first" });
      await producer.send({ topic: "events", key: "b", value: "second" });
      await producer.close();
      await cluster.shutdown();
      await run(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

testWithData("log dump prints segments, and the metadata log as JSON", async (directory) => {
  const events = `${directory}/events-0/${SEGMENT}.log`;
  const metadata = `${directory}/__cluster_metadata-0/${SEGMENT}.log`;
  const { code, out, err } = await log("dump", events, metadata, "--print-data-log");
  assertEquals([code, err], [0, ""]);
  assertEquals(out[0], `Dumping ${events}`);
  assertEquals(out[1], "Log starting offset: 0");
  assert(out.some((line) => /^\| offset: 1 .* key: b payload: second$/.test(line)));
  assert(out.some((line) => line.includes(`payload: {"type":"TOPIC_RECORD","version":0,`)));
});

testWithData("log dump accepts the flags of Kafka's tool", async (directory) => {
  const events = `${directory}/events-0/${SEGMENT}.log`;
  const index = events.replace(".log", ".timeindex");
  const { code, out, err } = await log(
    "dump",
    "--files",
    `${events},${index}`,
    "--offsets-decoder",
  );
  assertEquals([code, err], [0, ""]);
  assertEquals(out.filter((line) => line.startsWith("Dumping ")).length, 2);
  assert(
    out.some((line) =>
      line.endsWith(" key: Error at offset 1, skipping. Could not read version from key's buffer.")
    ),
  );
});

testWithData(
  "log verify exits with 0 without damage, otherwise with 1 and the place",
  async (directory) => {
    const well = await log("verify", directory, "--deep");
    assertEquals([well.code, well.err], [0, ""]);
    assertMatch(
      well.out[0]!,
      /: no damage \(2 partitions, 2 segments, \d+ batches, [\d,]+ bytes\)$/,
    );

    const path = `${directory}/events-0/${SEGMENT}.log`;
    const bytes = await Deno.readFile(path);
    bytes[70]! ^= 1;
    await Deno.writeFile(path, bytes);
    const damaged = await log("verify", directory);
    assertEquals(damaged.code, 1);
    assertStringIncludes(
      damaged.out[0]!,
      `${path} at byte 0 (offset 0): the batch is damaged: its CRC`,
    );
    assertMatch(damaged.out[1]!, /: 1 damage \(/);
    const shown = await log("dump", path);
    assertStringIncludes(shown.out[2]!, "isvalid: false");
    assertEquals(await Deno.readFile(path), bytes);
  },
);

testWithData("log rejects invalid arguments with one sentence", async (directory) => {
  for (
    const [args, code, message] of [
      [["dump"], 2, `millrace log: "log dump" needs a file`],
      [["show", directory], 2, `millrace log: <action> (or --action) cannot be "show"`],
      [["verify", `${directory}/events-0`], 1, "it is not a data directory"],
      [["dump", `${directory}/meta.properties`], 1, "Cannot dump"],
      [["dump", `${directory}/events-0/7.log`], 1, "7.log"],
    ] as const
  ) {
    const result = await log(...args);
    assertEquals(result.code, code, result.err);
    assertStringIncludes(result.err, message);
    assertEquals(result.err.trim().split("\n").length, 1);
  }
});
