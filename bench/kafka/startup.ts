/**
 * The costs of an idle broker: start, memory and idle connections.
 *
 * @module
 */
import { Admin, Producer } from "../../mod.ts";
import { askApiVersions, type RunningBroker, type Side, startBroker, treeOf } from "./brokers.ts";
import { cpuSeconds, residentMb, run } from "./process.ts";
import type { Samples } from "./samples.ts";

/** Time before the memory of a new broker is read, and time during which its idle CPU is measured. */
const SETTLE_MS = 2_000;
const IDLE_MS = 10_000;

/** Connections opened first, to exclude one-time costs. */
const FIRST_CONNECTIONS = 200;
/** Enough that a hash table that doubles does not dominate the figure. */
const IDLE_CONNECTIONS = 8_000;

/** Starts a broker, measures it while idle, and ends it. */
export async function measureStart(
  side: Side,
  samples: Samples,
  isWanted: (test: string) => boolean,
): Promise<void> {
  await using broker = await startBroker(side);
  samples.add(side, "start", "launch to ready", broker.readyAfterMs);
  if (isWanted("idle")) await measureIdle(broker, samples);
  if (isWanted("idle connections")) await measureConnections(broker, samples);
}

/** Measures the time from launch to the first acknowledged record, which it sends. */
export async function measureFirstRecord(side: Side, samples: Samples): Promise<void> {
  await using broker = await startBroker(side);
  const { address, launchedMs } = broker;
  await using admin = new Admin({ bootstrapServers: address });
  await admin.createTopics([{ name: "first", partitions: 1, replicationFactor: 1 }]);
  await using producer = await Producer.connect({ bootstrapServers: address });
  await producer.send({ topic: "first", value: "record" });
  const elapsed = performance.now() - launchedMs;
  samples.add(side, "start", "launch to first acknowledged record", elapsed);
}

async function measureIdle({ side, pid }: RunningBroker, samples: Samples): Promise<void> {
  await elapse(SETTLE_MS);
  samples.add(side, "idle", "resident when fresh", residentMb(pid));
  const before = cpuSeconds(pid);
  await elapse(IDLE_MS);
  samples.add(side, "idle", "CPU of a core", (cpuSeconds(pid) - before) / (IDLE_MS / 1000) * 100);
}

async function measureConnections(
  { side, pid, address }: RunningBroker,
  samples: Samples,
): Promise<void> {
  const port = Number(address.split(":").at(-1));
  const connections: Deno.TcpConn[] = [];
  try {
    const open = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        connections.push(connection);
        await askApiVersions(connection);
      }
      await elapse(SETTLE_MS);
    };
    await open(FIRST_CONNECTIONS);
    const before = residentMb(pid);
    await open(IDLE_CONNECTIONS);
    const each = (residentMb(pid) - before) * 1024 / IDLE_CONNECTIONS;
    samples.add(side, "idle connections", "resident each", each);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Measures `startCluster()` in a running process: the first call, which loads modules, and later ones. */
export async function measureInProcess(
  side: "millrace" | "before",
  samples: Samples,
): Promise<void> {
  const program = `${treeOf(side)}/bench/kafka/in_process.ts`;
  const times = JSON.parse(await run([Deno.execPath(), "run", "-A", program])) as number[];
  const [first, ...next] = times;
  samples.add(side, "in process", "first startCluster()", first!);
  next.sort((a, b) => a - b);
  samples.add(side, "in process", "startCluster() from then on", next[next.length >> 1]!);
}

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
