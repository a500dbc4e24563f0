/**
 * What a broker must do when one of its disks fails: each trial lets a disk fail in one way, under a
 * broker process that clients use, and looks at what they are answered, what the other disk does, and
 * what is there after `kill -9` and a start. Every trial counts the operations that have failed.
 *
 * @module
 */
import { ErrorCode, errorName } from "../../src/client/mod.ts";
import { fetchAll } from "../broker/fixture.ts";
import type { TwoDisks, TwoPartitions } from "./two_disks.ts";

/** What a batch has beside its records. */
const BATCH_OVERHEAD_BYTES = 61;

/** Runs one step; what it returns is shown, what it throws ends the trial. */
export type Step = (what: string, run: () => Promise<string | void>) => Promise<void>;
/** One way in which a disk fails. */
export type Trial = (disks: TwoDisks, step: Step) => Promise<void>;

/** A write that stores a part and then fails, once: the disk may even recover. */
export const failedWrite: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("write", { error: "EIO", below: two, part: ".log", limit: 1, partialBytes: 70 });
  const lost = disks.values(5);
  await step("EIO on write: the produce is refused", async () => {
    await disks.refused(topic, onTwo, lost);
    return disks.mustHaveStruck("write", 1);
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  // Once is enough for a tool that takes seconds.
  if (disks.options.flush === "os") {
    await step("Apache Kafka's kafka-log-dirs tells the same", async () => {
      const [good, bad] = await disks.logDirsByKafka();
      if (!bad.error?.includes("KafkaStorageException")) throw new Error(`it says ${bad.error}`);
      const sizes = good.partitions.map(({ partition, size }) => `${partition} ${size}`);
      const actual = `${topic}-${onOne} ${disks.logBytes(disks.one, topic, onOne)}`;
      if (good.error !== null || !sizes.includes(actual)) throw new Error(sizes.join(", "));
    });
  }
  await restarted(disks, step, "nothing that was refused is there");
};

/** The sync for which three producers wait fails, and a second one would not. */
export const failedSync: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  const before = disks.logBytes(two, topic, onTwo);
  disk.fail("sync", { error: "EIO", below: two, part: ".log", limit: 1, hold: true });
  const waiting = disks.values(3);
  await step("EIO on fdatasync: all producers who wait are refused", async () => {
    const answers: Promise<string>[] = [];
    for (const [i, value] of waiting.entries()) {
      answers.push(disks.errorOf(topic, onTwo, [value]));
      // In this order; the first is in the sync that is held, the others gather for the next.
      await disks.until("the batch is written", () => {
        return disks.logBytes(two, topic, onTwo) - before >=
          (i + 1) * (BATCH_OVERHEAD_BYTES + value.length);
      });
      if (i === 0) await disks.until("the sync begins", () => disk.seen("sync") === 1);
    }
    disk.letGo("sync");
    const names = await Promise.all(answers);
    if (names.some((name) => name !== "KAFKA_STORAGE_ERROR")) throw new Error(names.join(", "));
    return `${names.length} producers, ${disks.mustHaveStruck("sync", 1)}`;
  });
  await step("no second sync is tried, and nothing more is taken", async () => {
    await disks.refused(topic, onTwo, disks.values(2));
    if (disk.seen("sync") !== 1) throw new Error(`${disk.seen("sync")} syncs were tried`);
  });
  await step("consumers do not see what was refused", async () => {
    const [highWatermark, known] = [
      await disks.highWatermark(topic, onTwo),
      disks.known(topic, onTwo).length,
    ];
    if (highWatermark !== known) throw new Error(`the high watermark is ${highWatermark}`);
    return `high watermark ${highWatermark}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "what the failed sync was for may be there, in order", {
    topic,
    partition: onTwo,
    // The system had it, and nobody knows of a part of it that the disk does.
    mayFollow: waiting,
  });
};

/** A sync that nobody waits for, of a segment that is full. */
export const failedSyncAtRoll: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks, { "segment.bytes": "1048576" });
  disk.fail("sync", { error: "EIO", below: two, part: `${topic}-${onTwo}/`, limit: 1 });
  await step("EIO on fdatasync of a full segment: the directory goes out of service", async () => {
    // What is acknowledged meanwhile is in the system's hands, as `flush=os` says.
    const answers: (number | string)[] = [];
    for (let i = 0; i < 40 && answers.at(-1) !== "KAFKA_STORAGE_ERROR"; i++) {
      const [value] = disks.values(1, 100_000);
      const [answer] = await disks.answers(topic, onTwo, [value!]);
      answers.push(answer!);
      if (typeof answer === "number") disks.known(topic, onTwo).push(value!);
    }
    if (answers.at(-1) !== "KAFKA_STORAGE_ERROR") throw new Error("all is acknowledged");
    return `${answers.length - 1} more acknowledged before, ${disks.mustHaveStruck("sync", 1)}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "nothing that was refused is there");
};

/** A part of the disk that cannot be read, and later can. */
export const failedRead: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  // Where the records lie is known now, and nothing is read before they are sent.
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
        // An answer that has begun cannot tell any more: it breaks off, and the next one tells.
        if (!/closed instead of answering/.test(String(error)) || ++broken > 1) throw error;
      }
    }
    return `${broken} answers broke off, ${disks.mustHaveStruck("read")}`;
  });
  await step("a consumer of both partitions gets all of the good one", async () => {
    const known = disks.known(topic, onOne);
    const found = await disks.fetched(topic, [onOne, onTwo], known.length);
    if (found.some(({ partition }) => partition !== onOne)) throw new Error("the bad one is read");
    if (found.length !== known.length) throw new Error(`${found.length} of ${known.length}`);
    return `${found.length} records`;
  });
  await step("the directory stays in service", async () => {
    await disks.produce(topic, onTwo, disks.values(3));
    for (const directory of await disks.logDirs()) {
      if (directory.error !== null) throw directory.error;
      disks.mustTellSizes(directory);
    }
  });
  await step("what can be read again is read again", async () => {
    disk.mend("read");
    return await disks.readsAll();
  });
  await restarted(disks, step, "all is there");
};

/** A disk that is full, and later has room: the next write is tried. */
export const fullDisk: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  const before = disks.logBytes(two, topic, onTwo);
  disk.fail("write", { error: "ENOSPC", below: two, part: ".log", partialBytes: 70 });
  await step("ENOSPC on write: the produce is refused, nothing is left of it", async () => {
    await disks.refused(topic, onTwo, disks.values(5));
    const name = await disks.errorOf(topic, onTwo, disks.values(5));
    if (name !== "KAFKA_STORAGE_ERROR") throw new Error(name);
    const left = disks.logBytes(two, topic, onTwo) - before;
    if (left !== 0) throw new Error(`${left} bytes are left`);
    return disks.mustHaveStruck("write", 2);
  });
  await step("the directory stays in service, the other takes records", async () => {
    await disks.produce(topic, onOne, disks.values(5));
    for (const { error } of await disks.logDirs()) if (error !== null) throw error;
    return await disks.readsAll();
  });
  await step("with room again the next produce is taken", async () => {
    disk.mend("write");
    await disks.produce(topic, onTwo, disks.values(5));
    return await disks.readsAll();
  });
  await restarted(disks, step, "nothing that was refused is there");
};

/** A disk on which room was promised and is not there when it comes to it. */
export const fullDiskAtSync: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("sync", { error: "ENOSPC", below: two, part: ".log", limit: 1 });
  const waiting = disks.values(1);
  await step("ENOSPC at fdatasync: the produce is refused", async () => {
    await disks.refused(topic, onTwo, waiting);
    return disks.mustHaveStruck("sync", 1);
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "what the failed sync was for may be there", {
    topic,
    partition: onTwo,
    mayFollow: waiting,
  });
};

/** A full disk from which not even a part of a batch can be taken back. */
export const failedCut: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("write", { error: "ENOSPC", below: two, part: ".log", limit: 1, partialBytes: 70 });
  disk.fail("truncate", { error: "EIO", below: two, part: ".log", limit: 1 });
  await step("ENOSPC on write and EIO on ftruncate: the produce is refused", async () => {
    await disks.refused(topic, onTwo, disks.values(5));
    return `${disks.mustHaveStruck("write", 1)}, ${disks.mustHaveStruck("truncate", 1)}`;
  });
  await outOfService(disks, step, { topic, onOne, onTwo });
  await restarted(disks, step, "nothing that was refused is there");
};

/** A disk that fails before the start: its partitions are not made anew elsewhere. */
export const failedOpen: Trial = async (disks, step) => {
  const { disk, two, one } = disks;
  await disks.start(true);
  const { topic, onOne, onTwo } = await begun(disks);
  await disks.kill();
  disk.fail("open", { error: "EIO", below: two });
  await step("EIO on open at a start: the broker does without the directory", async () => {
    await disks.start();
    await disks.produce(topic, onOne, disks.values(5));
    await disks.refused(topic, onTwo, disks.values(1));
    const [first, second] = await disks.logDirs();
    if (first.error !== null || second.error === null) throw new Error("the wrong one is out");
    if (first.partitions.some(({ partition }) => partition === onTwo)) throw new Error("made anew");
    return disks.mustHaveStruck("open");
  });
  await restarted(disks, step, "all is there");
  await disks.kill();
  await disks.start();
  disk.fail("write", { error: "EIO", below: one, part: "__cluster_metadata" });
  await step("EIO on write of the metadata log: the broker ends with a sentence", async () => {
    await disks.topic("unwritten").catch(() => {});
    await disks.until("the broker ends", () => disks.broker.ended);
    const said = disks.broker.tail();
    if (!/out of service/.test(said)) throw new Error(said);
    return disks.mustHaveStruck("write");
  });
  disk.mendAll();
  await step("after a start all is there", async () => {
    await disks.start(true);
    return `${await disks.readsAll()}; ${await disks.stopAndVerify()}`;
  });
};

/** A disk without room for a new partition's files. */
export const fullDiskAtCreation: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  const { topic, onOne, onTwo } = await begun(disks);
  disk.fail("open", { error: "ENOSPC", below: two, part: "more-" });
  await step("ENOSPC on open: the topic is made, the partition takes nothing", async () => {
    const more = await disks.topic("more");
    await disks.produce(more.topic, more.onOne, disks.values(5));
    await disks.refused(more.topic, more.onTwo, disks.values(1));
    disks.known(more.topic, more.onTwo);
    return disks.mustHaveStruck("open");
  });
  await step("all others take records", async () => {
    disk.mend("open");
    for (const partition of [onOne, onTwo]) await disks.produce(topic, partition, disks.values(5));
    return await disks.readsAll();
  });
  await restarted(disks, step, "nothing that was refused is there");
};

/** A disk that fails when the broker is told to end. */
export const failedStop: Trial = async (disks, step) => {
  const { disk, two } = disks;
  await disks.start();
  await begun(disks);
  disk.fail("sync", { error: "EIO", below: two, part: ".log", limit: 1 });
  await step("EIO on fdatasync at an orderly end: it says so, and ends with 1", async () => {
    const said = await disks.broker.stop().then(() => "nothing", (error) => error.message);
    const sentence = /ended with code 1: [^]*start: The data directory \S+ is out of service/;
    if (!sentence.test(said)) throw new Error(said);
    return disks.mustHaveStruck("sync", 1);
  });
  disk.mendAll();
  await step("after a start all is there", async () => {
    await disks.start(true);
    return `${await disks.readsAll()}; ${await disks.stopAndVerify()}`;
  });
};

/** A topic on both disks, with records in both. */
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

/** The second directory takes nothing more, though its disk works again; all else goes on. */
async function outOfService(disks: TwoDisks, step: Step, { topic, onOne, onTwo }: TwoPartitions) {
  disks.disk.mendAll();
  await step("the directory takes nothing more, the other goes on", async () => {
    const name = await disks.errorOf(topic, onTwo, disks.values(1));
    if (name !== "KAFKA_STORAGE_ERROR") throw new Error(`a second produce answers ${name}`);
    await disks.produce(topic, onOne, disks.values(5));
  });
  await step("what both had is read", () => disks.readsAll());
  await step("DescribeLogDirs tells of the failure, and true sizes", async () => {
    const [good, bad] = await disks.logDirs();
    if (bad.error?.code !== ErrorCode.KAFKA_STORAGE_ERROR) {
      throw new Error(`the failed one: ${bad.error}`);
    }
    if (bad.partitions.length > 0) throw new Error("the failed one is told to have partitions");
    if (good.error !== null) throw good.error;
    return `${disks.mustTellSizes(good)} bytes of records in the other`;
  });
}

/** kill -9, a start on a disk that works: what was acknowledged is there. */
export async function restarted(
  disks: TwoDisks,
  step: Step,
  rest: string,
  unsure?: { topic: string; partition: number; mayFollow: readonly string[] },
): Promise<void> {
  await step(`after kill -9 all that was acknowledged is there, ${rest}`, async () => {
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
  await step("both directories take records again", async () => {
    for (const name of disks.acknowledged.keys()) {
      const at = name.lastIndexOf("-");
      await disks.produce(name.slice(0, at), Number(name.slice(at + 1)), disks.values(3));
    }
    for (const directory of await disks.logDirs()) {
      if (directory.error !== null) throw directory.error;
      disks.mustTellSizes(directory);
    }
    return await disks.readsAll();
  });
}
