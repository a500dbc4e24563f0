/**
 * A disk that fails while a topic on it is compacted: at each of compaction's steps the log must stay
 * whole, for those who read it, for `log verify` once the broker was killed, and for the next start,
 * which compacts it after all.
 *
 * @module
 */
import type { Operation } from "./failing_disk.ts";
import type { Step, Trial } from "./disk_trials.ts";
import type { TwoDisks } from "./two_disks.ts";

/** Broker settings that have it compact while one waits. */
export const COMPACTION_SETTINGS: readonly string[] = ["log.cleaner.backoff.ms=50"];

const TOPIC = "compacted";
const CONFIG = {
  "cleanup.policy": "compact",
  "segment.bytes": "1048576",
  "min.cleanable.dirty.ratio": "0.01",
};
const KEYS = 8;
/** Several segments of them. */
const RECORDS = 48;
const VALUE_BYTES = 60_000;

/** The disk fails when what is kept is written. */
export const failedCleaned: Trial = trial("write", ".cleaned", "while it is written");
/** When that is brought to the disk. */
export const failedCleanedSync: Trial = trial("sync", ".cleaned", "when it is synced");
/** When the exchange is decided. */
export const failedSwap: Trial = trial("rename", ".cleaned", "when it becomes .swap");
/** When the new segment is to get its last name. */
export const failedSwapEnd: Trial = trial("rename", ".swap", "when .swap becomes .log");

function trial(operation: Operation, part: string, when: string): Trial {
  return async (disks, step) => {
    const { disk, two } = disks;
    await disks.start();
    const { onTwo } = await disks.topic(TOPIC, CONFIG);
    const sent = pairs(disks);
    disk.fail(operation, { error: "EIO", below: two, part, limit: 1 });
    await step(`EIO on ${operation} of ${part}, ${when}`, async () => {
      const before = disks.broker.bootstrap;
      const answers = await disks.options.client.ask<(number | string)[]>(
        ...["compact", before, TOPIC, onTwo, sent] as const,
      );
      // Compaction may be quicker than the last of them.
      const stored = answers.filter((answer, i) => answer === i).length;
      if (answers.slice(stored).some((answer) => answer !== "KAFKA_STORAGE_ERROR")) {
        throw new Error(`the answers are ${answers.join(", ")}`);
      }
      sent.length = stored;
      await disks.until("compaction fails", () => disk.struck(operation) === 1);
      return `${stored} records acknowledged, ${disks.mustHaveStruck(operation, 1)}`;
    });
    await step("the directory is out of service, what it had is read", async () => {
      const [good, bad] = await disks.logDirs();
      if (bad.error === null || good.error !== null) throw new Error("the wrong one is out");
      return await reads(disks, onTwo, sent);
    });
    await verified(disks, step, onTwo, sent);
  };
}

async function verified(disks: TwoDisks, step: Step, partition: number, sent: readonly Pair[]) {
  await step("after kill -9 log verify finds what compaction has left, and no damage", async () => {
    await disks.kill();
    return await disks.verify(/\.log\.(cleaned|swap): compaction was interrupted/);
  });
  await step("after a start it is compacted, and nothing is lost", async () => {
    await disks.start(true);
    await disks.until("it is compacted", () => {
      return disks.logBytes(disks.two, TOPIC, partition) <= 2 * KEYS * VALUE_BYTES + 2 ** 20;
    });
    return await reads(disks, partition, sent);
  });
  await step("log verify finds it whole again", () => disks.stopAndVerify());
}

type Pair = readonly [key: string, value: string];

function pairs(disks: TwoDisks): Pair[] {
  return disks.values(RECORDS, VALUE_BYTES).map((value, i) => [`key ${i % KEYS}`, value]);
}

/** Every record that is there must be one that was sent, in order, and the last of each key is. */
async function reads(disks: TwoDisks, partition: number, sent: readonly Pair[]): Promise<string> {
  const latest = new Set(sent.map((_, i) => i).slice(-KEYS));
  const found = await disks.fetched(TOPIC, [partition], latest.size);
  let last = -1;
  for (const { offset, key, value } of found) {
    const [sentKey, sentValue] = sent[offset] ?? [];
    if (offset <= last || key !== sentKey || value !== sentValue) {
      throw new Error(`offset ${offset} has another record`);
    }
    last = offset;
    latest.delete(offset);
  }
  if (latest.size > 0) throw new Error(`offset ${[...latest][0]} is lost`);
  return `${found.length} of ${sent.length} records`;
}
