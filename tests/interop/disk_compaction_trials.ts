/**
 * A disk that fails during compaction. At every step of compaction the log must remain intact: for
 * consumers, for `log verify` after the broker was killed, and for the next start, which completes
 * the compaction.
 *
 * @module
 */
import type { Operation } from "./failing_disk.ts";
import type { Step, Trial } from "./disk_trials.ts";
import type { TwoDisks } from "./two_disks.ts";

/** Broker settings that make it compact soon. */
export const COMPACTION_SETTINGS: readonly string[] = ["log.cleaner.backoff.ms=50"];

const TOPIC = "compacted";
const CONFIG = {
  "cleanup.policy": "compact",
  "segment.bytes": "1048576",
  "min.cleanable.dirty.ratio": "0.01",
};
const KEYS = 8;
/** Enough for several segments. */
const RECORDS = 48;
const VALUE_BYTES = 60_000;

/** A write of the cleaned segment fails. */
export const failedCleaned: Trial = trial("write", ".cleaned", "while it is written");
/** The sync of the cleaned segment fails. */
export const failedCleanedSync: Trial = trial("sync", ".cleaned", "when it is synced");
/** The rename that commits the swap fails. */
export const failedSwap: Trial = trial("rename", ".cleaned", "when it becomes .swap");
/** The rename of the new segment to its final name fails. */
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
      // Compaction may fail before all records are sent.
      const stored = answers.filter((answer, i) => answer === i).length;
      if (answers.slice(stored).some((answer) => answer !== "KAFKA_STORAGE_ERROR")) {
        throw new Error(`the answers are ${answers.join(", ")}`);
      }
      sent.length = stored;
      await disks.until("compaction fails", () => disk.failures(operation) === 1);
      return `${stored} records acknowledged, ${disks.expectFailures(operation, 1)}`;
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

/**
 * Checks that all records found were sent, in order, and that the last record of each key is
 * present.
 */
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
