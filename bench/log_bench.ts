/**
 * The cost of appends to and reads from a partition's log, on real files: `deno bench -A bench/log_bench.ts`.
 *
 * @module
 */
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../src/log/log_config.ts";
import { type AppendOptions, PartitionLog } from "../src/log/partition_log.ts";
import { encodeBatch } from "../src/protocol/records/batch.ts";
import { hostRuntime } from "../src/runtime/host.ts";

const runtime = hostRuntime();
const codecs = runtime.codecs();
const directory = Deno.makeTempDirSync({ prefix: "millrace-log-bench-" });
addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const config: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  segmentBytes: 268_435_456,
  retentionBytes: 536_870_912,
  messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  fileDeleteDelayMs: 0,
};
const client: AppendOptions = { leaderEpoch: 0, origin: "client" };
let logs = 0;

function open(): PartitionLog {
  const partition = logs++;
  return PartitionLog.open({
    runtime,
    directory: `${directory}/bench-${partition}`,
    topic: "bench",
    partition,
    config,
  });
}

function batchOf(count: number, valueBytes: number, compression: "none" | "lz4" = "none") {
  const timestamp = runtime.clock.now();
  const value = new TextEncoder().encode("the quick brown fox ".repeat(valueBytes / 20));
  return encodeBatch(Array.from({ length: count }, () => ({ value, timestamp })), {
    compression,
    codecs,
  });
}

/** Appends until the benchmark ends, with retention so that the disk does not fill. */
function benchAppend(name: string, batch: Uint8Array): void {
  const log = open();
  let count = 0;
  Deno.bench(name, { group: "append" }, () => {
    log.append(batch, client);
    if ((++count & 0xffff) === 0) log.applyRetention(runtime.clock.now());
  });
}

benchAppend("append 16 KB, 160 records of 100 bytes", batchOf(160, 100));
benchAppend("append 16 KB, 16 records of 1,000 bytes", batchOf(16, 1_000));
benchAppend("append 16 KB of records as lz4", batchOf(160, 100, "lz4"));
benchAppend("append 1 KB, 1 record", batchOf(1, 1_000));
benchAppend("append 1 MB, 1,000 records of 1,000 bytes", batchOf(1_000, 1_000));

function benchRead(name: string, batch: Uint8Array, batches: number, maxBytes: number): void {
  const log = open();
  for (let i = 0; i < batches; i++) log.append(batch, client);
  const { logEndOffset } = log;
  const records = logEndOffset / batches;
  const buffer = new Uint8Array(maxBytes + batch.length);
  let fetchOffset = 0;
  Deno.bench(name, { group: "read" }, () => {
    const source = log.read({
      fetchOffset,
      maxBytes,
      endOffset: logEndOffset,
      minOneBatch: true,
    });
    source.copyTo(buffer.subarray(0, source.byteLength), 0);
    fetchOffset += source.byteLength / batch.length * records;
    if (fetchOffset >= logEndOffset) fetchOffset = 0;
  });
}

const batch16 = batchOf(160, 100);
benchRead("read 16 KB, one batch", batch16, 4_000, batch16.length);
benchRead("read 1 MB of 16 KB batches", batch16, 4_000, 1_048_576);
benchRead("read 1 MB of 1 KB batches", batchOf(1, 1_000), 60_000, 1_048_576);
benchRead("read 1 KB, one batch", batchOf(1, 1_000), 60_000, 1_100);

{
  const log = open();
  for (let i = 0; i < 20_000; i++) log.append(batch16, client);
  log.close();
  const partition = logs - 1;
  const options = {
    runtime,
    directory: `${directory}/bench-${partition}`,
    topic: "bench",
    partition,
    config,
  };
  Deno.bench("open 350 MB of 16 KB batches, tail unchecked", { group: "open" }, () => {
    PartitionLog.open({ ...options, wasShutDownCleanly: true }).close();
  });
  Deno.bench("open 350 MB of 16 KB batches, tail checked", { group: "open" }, () => {
    PartitionLog.open(options).close();
  });
}
