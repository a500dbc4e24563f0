/**
 * Required behavior of a broker when one of its disks fails. Each trial injects one kind of fault
 * under a broker process with clients, and checks the responses, the other disk, and the state
 * after `kill -9` and a restart. Every trial checks the number of failed operations.
 *
 * @module
 */
import { ErrorCode, errorName } from "../../src/client/mod.ts";
import { fetchAll } from "../broker/fixture.ts";
import type { TwoDisks, TwoPartitions } from "./two_disks.ts";

/** Size of a batch without its records. */
const BATCH_OVERHEAD_BYTES = 61;

/** Runs one step. Its result is printed; an error ends the trial. */
export type Step = (what: string, run: () => Promise<string | void>) => Promise<void>;
/** A trial of one kind of fault. */
export type Trial = (disks: TwoDisks, step: Step) => Promise<void>;

/** A write stores a part of its data and fails, once. */
export const failedWrite: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("write", { error: "EIO", below: two, part: ".log", limit: 1, partialBytes: 70 });
  const lost = disks.values(5);
  await step("EIO on write: the produce is rejected", async () => {
    await disks.refused(topic, onTwo, lost);
    return disks.expectFailures("write", 1);
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  // The tool takes seconds, so run it once only.
  if (disks.options.flush === "os") {
    await step("Apache Kafka's kafka-log-dirs reports the same", async () => {
      const [good, bad] = await disks.logDirsByKafka();
      if (!bad.error?.includes("KafkaStorageException")) throw new Error(`it says ${bad.error}`);
      const sizes = good.partitions.map(({ partition, size }) => `${partition} ${size}`);
      const actual = `${topic}-${onOne} ${disks.logBytes(disks.one, topic, onOne)}`;
      if (good.error !== null || !sizes.includes(actual)) throw new Error(sizes.join(", "));
    });
  }
  await restarted(disks, step, "no rejected record is stored");
};

/** The sync that three producers wait for fails; a second sync would succeed. */
export const failedSync: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  const before = disks.logBytes(two, topic, onTwo);
  disk.fail("sync", { error: "EIO", below: two, part: ".log", limit: 1, hold: true });
  const waiting = disks.values(3);
  await step("EIO on fdatasync: all waiting producers are rejected", async () => {
    const answers: Promise<string>[] = [];
    for (const [i, value] of waiting.entries()) {
      answers.push(disks.errorOf(topic, onTwo, [value]));
      // Sent in this order: the first waits for the sync that is held, the others for the next one.
      await disks.until("the batch is written", () => {
        return disks.logBytes(two, topic, onTwo) - before >=
          (i + 1) * (BATCH_OVERHEAD_BYTES + value.length);
      });
      if (i === 0) await disks.until("the sync begins", () => disk.seen("sync") === 1);
    }
    disk.release("sync");
    const names = await Promise.all(answers);
    if (names.some((name) => name !== "KAFKA_STORAGE_ERROR")) throw new Error(names.join(", "));
    return `${names.length} producers, ${disks.expectFailures("sync", 1)}`;
  });
  await step("no second sync is tried, and further records are rejected", async () => {
    await disks.refused(topic, onTwo, disks.values(2));
    if (disk.seen("sync") !== 1) throw new Error(`${disk.seen("sync")} syncs were tried`);
  });
  await step("consumers do not see rejected records", async () => {
    const [highWatermark, known] = [
      await disks.highWatermark(topic, onTwo),
      disks.known(topic, onTwo).length,
    ];
    if (highWatermark !== known) throw new Error(`the high watermark is ${highWatermark}`);
    return `high watermark ${highWatermark}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "records of the failed sync may be stored, in order", {
    topic,
    partition: onTwo,
    // The page cache has these records, and possibly the disk has a part of them.
    mayFollow: waiting,
  });
};

/** A background sync of a full segment fails. */
export const failedSyncAtRoll: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks, { "segment.bytes": "1048576" });
  disk.fail("sync", { error: "EIO", below: two, part: `${topic}-${onTwo}/`, limit: 1 });
  await step("EIO on fdatasync of a full segment: the directory goes offline", async () => {
    // Records acknowledged meanwhile are in the page cache, as `flush=os` allows.
    const answers: (number | string)[] = [];
    for (let i = 0; i < 40 && answers.at(-1) !== "KAFKA_STORAGE_ERROR"; i++) {
      const [value] = disks.values(1, 100_000);
      const [answer] = await disks.answers(topic, onTwo, [value!]);
      answers.push(answer!);
      if (typeof answer === "number") disks.known(topic, onTwo).push(value!);
    }
    if (answers.at(-1) !== "KAFKA_STORAGE_ERROR") throw new Error("all records were acknowledged");
    return `${answers.length - 1} more acknowledged before, ${disks.expectFailures("sync", 1)}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "no rejected record is stored");
};

/** A part of the disk is unreadable for some time. */
export const failedRead: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  // The position of the records is known now, and they are read only when they are sent.
  await fetchAll(await disks.raw(), topic, [0, 1]);
  disk.fail("read", { error: "EIO", below: two, part: ".log" });
  await step("EIO on read: a fetch of both partitions fails for that one only", async () => {
    let broken = 0;
    for (;;) {
      try {
        const answers = await fetchAll(await disks.raw(), topic, [0, 1]);
        const names = answers.map(({ errorCode }) => errorName(errorCode));
        const [good, bad] = [answers[onOne]!, answers[onTwo]!];
        if (names[onOne] !== "NONE" || names[onTwo] !== "KAFKA_STORAGE_ERROR") {
          throw new Error(`the answers are ${names.join(", ")}`);
        }
        if (good.records!.length === 0 || bad.records!.length > 0) throw new Error("wrong records");
        break;
      } catch (error) {
        // A response that was partly sent cannot report the error: the connection is closed, and
        // the next fetch reports it.
        if (!/closed instead of answering/.test(String(error)) || ++broken > 1) throw error;
      }
    }
    return `${broken} answers broke off, ${disks.expectFailures("read")}`;
  });
  await step("a consumer of both partitions gets all records of the good one", async () => {
    const known = disks.known(topic, onOne);
    const found = await disks.fetched(topic, [onOne, onTwo], known.length);
    if (found.some(({ partition }) => partition !== onOne)) throw new Error("the bad one is read");
    if (found.length !== known.length) throw new Error(`${found.length} of ${known.length}`);
    return `${found.length} records`;
  });
  await step("the directory stays online", async () => {
    await disks.produce(topic, onTwo, disks.values(3));
    for (const directory of await disks.logDirs()) {
      if (directory.error !== null) throw directory.error;
      disks.checkReportedSizes(directory);
    }
  });
  await step("the records are read again when the disk recovers", async () => {
    disk.restore("read");
    return await disks.readsAll();
  });
  await restarted(disks, step, "all records are stored");
};

/** The disk is full and later has free space: writes are tried again. */
export const fullDisk: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  const before = disks.logBytes(two, topic, onTwo);
  disk.fail("write", { error: "ENOSPC", below: two, part: ".log", partialBytes: 70 });
  await step("ENOSPC on write: the produce is rejected and leaves no bytes", async () => {
    await disks.refused(topic, onTwo, disks.values(5));
    const name = await disks.errorOf(topic, onTwo, disks.values(5));
    if (name !== "KAFKA_STORAGE_ERROR") throw new Error(name);
    const left = disks.logBytes(two, topic, onTwo) - before;
    if (left !== 0) throw new Error(`${left} bytes are left`);
    return disks.expectFailures("write", 2);
  });
  await step("the directory stays online, the other accepts records", async () => {
    await disks.produce(topic, onOne, disks.values(5));
    for (const { error } of await disks.logDirs()) if (error !== null) throw error;
    return await disks.readsAll();
  });
  await step("with free space the next produce is accepted", async () => {
    disk.restore("write");
    await disks.produce(topic, onTwo, disks.values(5));
    return await disks.readsAll();
  });
  await restarted(disks, step, "no rejected record is stored");
};

/** The disk promised space that is missing when the data are synced. */
export const fullDiskAtSync: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("sync", { error: "ENOSPC", below: two, part: ".log", limit: 1 });
  const waiting = disks.values(1);
  await step("ENOSPC at fdatasync: the produce is rejected", async () => {
    await disks.refused(topic, onTwo, waiting);
    return disks.expectFailures("sync", 1);
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "records of the failed sync may be stored", {
    topic,
    partition: onTwo,
    mayFollow: waiting,
  });
};

/** The disk is full, and truncating the partial batch fails too. */
export const failedCut: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("write", { error: "ENOSPC", below: two, part: ".log", limit: 1, partialBytes: 70 });
  disk.fail("truncate", { error: "EIO", below: two, part: ".log", limit: 1 });
  await step("ENOSPC on write and EIO on ftruncate: the produce is rejected", async () => {
    await disks.refused(topic, onTwo, disks.values(5));
    return `${disks.expectFailures("write", 1)}, ${disks.expectFailures("truncate", 1)}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "no rejected record is stored");
};

/** The disk fails before the start. Its partitions are not created again elsewhere. */
export const failedOpen: Trial = async (disks, step) => {
  const { disk, two, one } = disks;
  await disks.start(true);
  const { topic, onOne, onTwo } = await begun(disks);
  await disks.kill();
  disk.fail("open", { error: "EIO", below: two });
  await step("EIO on open at a start: the broker starts without the directory", async () => {
    await disks.start();
    await disks.produce(topic, onOne, disks.values(5));
    await disks.refused(topic, onTwo, disks.values(1));
    const [first, second] = await disks.logDirs();
    if (first.error !== null || second.error === null) throw new Error("the wrong one is out");
    if (first.partitions.some(({ partition }) => partition === onTwo)) {
      throw new Error("the partition was created again");
    }
    return disks.expectFailures("open");
  });
  await restarted(disks, step, "all records are stored");
  await disks.kill();
  await disks.start();
  disk.fail("write", { error: "EIO", below: one, part: "__cluster_metadata" });
  await step(
    "EIO on write of the metadata log: the broker stops with an error message",
    async () => {
      await disks.topic("unwritten").catch(() => {});
      await disks.until("the broker ends", () => disks.broker.ended);
      const said = disks.broker.tail();
      if (!/out of service/.test(said)) throw new Error(said);
      return disks.expectFailures("write");
    },
  );
  disk.restoreAll();
  await step("after a restart all records are stored", async () => {
    await disks.start(true);
    return `${await disks.readsAll()}; ${await disks.stopAndVerify()}`;
  });
};

/** The disk has no space for the files of a new partition. */
export const fullDiskAtCreation: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("open", { error: "ENOSPC", below: two, part: "more-" });
  await step("ENOSPC on open: the topic is created, the partition accepts no records", async () => {
    const more = await disks.topic("more");
    await disks.produce(more.topic, more.onOne, disks.values(5));
    await disks.refused(more.topic, more.onTwo, disks.values(1));
    disks.known(more.topic, more.onTwo);
    return disks.expectFailures("open");
  });
  await step("all others accept records", async () => {
    disk.restore("open");
    for (const partition of [onOne, onTwo]) await disks.produce(topic, partition, disks.values(5));
    return await disks.readsAll();
  });
  await restarted(disks, step, "no rejected record is stored");
};

/** The disk fails during shutdown. */
export const failedStop: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  await begun(disks);
  disk.fail("sync", { error: "EIO", below: two, part: ".log", limit: 1 });
  await step(
    "EIO on fdatasync during shutdown: it reports the error and exits with 1",
    async () => {
      const said = await disks.broker.stop().then(() => "nothing", (error) => error.message);
      const sentence = /ended with code 1: [^]*start: The data directory \S+ is out of service/;
      if (!sentence.test(said)) throw new Error(said);
      return disks.expectFailures("sync", 1);
    },
  );
  disk.restoreAll();
  await step("after a restart all records are stored", async () => {
    await disks.start(true);
    return `${await disks.readsAll()}; ${await disks.stopAndVerify()}`;
  });
};

/** Creates a topic on both disks, with records on both. */
export async function begun(
  disks: TwoDisks,
  config: Record<string, string> = {},
): Promise<TwoPartitions> {
  const made = await disks.topic("events", config);
  for (const partition of [made.onOne, made.onTwo]) {
    await disks.produce(made.topic, partition, disks.values(20));
  }
  return made;
}

/** Checks that the second directory stays offline even though its disk has recovered. */
async function outOfService(disks: TwoDisks, step: Step, { topic, onOne, onTwo }: TwoPartitions) {
  disks.disk.restoreAll();
  await step("the directory accepts no records, the other does", async () => {
    const name = await disks.errorOf(topic, onTwo, disks.values(1));
    if (name !== "KAFKA_STORAGE_ERROR") throw new Error(`a second produce returned ${name}`);
    await disks.produce(topic, onOne, disks.values(5));
  });
  await step("the records of both are readable", () => disks.readsAll());
  await step("DescribeLogDirs reports the failure and correct sizes", async () => {
    const [good, bad] = await disks.logDirs();
    if (bad.error?.code !== ErrorCode.KAFKA_STORAGE_ERROR) {
      throw new Error(`the failed one: ${bad.error}`);
    }
    if (bad.partitions.length > 0) throw new Error("the failed one is reported with partitions");
    if (good.error !== null) throw good.error;
    return `${disks.checkReportedSizes(good)} bytes of records in the other`;
  });
}

/**
 * Kills the broker, restarts it on a working disk and checks that all acknowledged records are
 * stored.
 */
export async function restarted(
  disks: TwoDisks,
  step: Step,
  rest: string,
  unsure?: { topic: string; partition: number; mayFollow: readonly string[] },
): Promise<void> {
  await step(`after kill -9 all acknowledged records are stored, ${rest}`, async () => {
    await disks.killAndStart();
    let more = 0;
    if (unsure !== undefined) {
      const { topic, partition, mayFollow } = unsure;
      const known = disks.known(topic, partition).length;
      more = await disks.reads(topic, partition, mayFollow) - known;
    }
    const found = await disks.readsAll();
    return unsure === undefined ? found : `${found}, ${more} of ${unsure.mayFollow.length} more`;
  });
  await step("both directories accept records again", async () => {
    for (const name of disks.acknowledged.keys()) {
      const at = name.lastIndexOf("-");
      await disks.produce(name.slice(0, at), Number(name.slice(at + 1)), disks.values(3));
    }
    for (const directory of await disks.logDirs()) {
      if (directory.error !== null) throw directory.error;
      disks.checkReportedSizes(directory);
    }
    return await disks.readsAll();
  });
}
