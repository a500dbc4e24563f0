/**
 * @platformatic/kafka: topics, every compression, offsets, timestamps and groups, as `../../README.md` lists them.
 *
 * @module
 */

import { Admin, compressionsAlgorithms, Consumer, Producer } from "@platformatic/kafka";
import {
  Checks,
  Expectation,
  lateTimestamp,
  makeRecord,
  middleOffset,
  middleTimestamp,
  PARTITIONS,
} from "../records.mjs";

const [bootstrap, prefix, count = "10000"] = process.argv.slice(2);
if (bootstrap === undefined || prefix === undefined) {
  console.error("usage: main.mjs BOOTSTRAP TOPIC_PREFIX [RECORDS]");
  process.exit(2);
}
const records = Number(count);
const base = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;
const checks = new Checks("platformatic");

// zstd requires Node.js 22.15, which the setup installs for this client.
const compressions = Object.entries(compressionsAlgorithms)
  .filter(([, { available }]) => available)
  .map(([name]) => name);
const common = { clientId: "interop-platformatic", bootstrapBrokers: [bootstrap], retries: 10 };
const admin = new Admin(common);

/** This client uses undefined instead of null. */
const buffer = (value) => value === null ? undefined : Buffer.from(value);

function toMessage(topic, { partition, timestamp, key, value, headers }) {
  return {
    topic,
    partition,
    timestamp: BigInt(timestamp),
    key: buffer(key),
    value: buffer(value),
    headers: new Map(headers.map(([name, content]) => [Buffer.from(name), buffer(content)])),
  };
}

async function produce(topic, compression, options, from, to) {
  const producer = new Producer({ ...common, ...options, compression });
  try {
    for (let start = from; start < to; start += 500) {
      const messages = [];
      for (let index = start; index < Math.min(start + 500, to); index++) {
        messages.push(toMessage(topic, makeRecord(index, base)));
      }
      const { offsets } = await producer.send({ messages });
      for (const { partition, offset } of options.acks === 0 ? [] : offsets) {
        const due = Math.ceil((start - partition) / PARTITIONS);
        if (Number(offset) !== due) {
          throw new Error(`partition ${partition} gave offset ${offset}, due was ${due}`);
        }
      }
    }
  } finally {
    await producer.close();
  }
}

function newConsumer(group) {
  return new Consumer({
    ...common,
    groupId: group,
    autocommit: false,
    maxWaitTime: 50,
    sessionTimeout: 10_000,
    rebalanceTimeout: 20_000,
    heartbeatInterval: 500,
  });
}

/** Reads from `start` until `enough` records have been compared, then calls `last` before leaving. */
async function consume(topic, group, expectation, enough, start, last) {
  const consumer = newConsumer(group);
  try {
    const stream = await consumer.consume({ topics: [topic], ...start });
    let seen = 0;
    for await (const message of stream) {
      const headers = message.headerEntries.map(([name, value]) => [name.toString(), value]);
      expectation.accept(
        message.partition,
        Number(message.offset),
        Number(message.timestamp),
        message.key,
        message.value,
        headers,
      );
      if (++seen >= enough) break;
    }
    if (last) await last(consumer);
  } finally {
    await consumer.close(true);
  }
}

async function consumeFrom(topic, group, offsets, start) {
  const expectation = new Expectation(records, base, offsets);
  await consume(topic, group, expectation, expectation.remaining, start);
}

const manual = (topic, offset) => ({
  mode: "manual",
  offsets: [0, 1].map((partition) => ({ topic, partition, offset: BigInt(offset) })),
});

async function listOffsets(topic, timestamp) {
  const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp }));
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
  return listed.partitions;
}

async function fromTimestamp(topic) {
  const middle = middleTimestamp(records, base);
  const questions = [
    [BigInt(middle.timestamp), middle.offset],
    [BigInt(lateTimestamp(records, base)), -1],
    [-2n, 0],
    [-1n, records / PARTITIONS],
  ];
  for (const [timestamp, due] of questions) {
    for (const { partitionIndex, offset } of await listOffsets(topic, timestamp)) {
      if (Number(offset) !== due) {
        throw new Error(
          `${timestamp} in partition ${partitionIndex}: offset ${offset}, due was ${due}`,
        );
      }
    }
  }
  const offsets = [middle.offset, middle.offset];
  await consumeFrom(topic, `${topic}-timestamp`, offsets, manual(topic, middle.offset));
}

async function commitAndResume(topic) {
  const group = `${topic}-group`;
  const start = { mode: "committed", fallbackMode: "earliest" };
  const expectation = new Expectation(records, base, [0, 0]);
  await consume(topic, group, expectation, Math.floor(records * 0.3), start, (consumer) => {
    const offsets = expectation.next.map((offset, partition) => ({
      topic,
      partition,
      offset: BigInt(offset),
      leaderEpoch: -1,
    }));
    return consumer.commit({ offsets });
  });
  const [stored] = await admin.listConsumerGroupOffsets({ groups: [group] });
  for (const { partitionIndex, committedOffset } of stored.topics[0].partitions) {
    if (Number(committedOffset) !== expectation.next[partitionIndex]) {
      throw new Error(
        `partition ${partitionIndex}: committed ${committedOffset}, not ${
          expectation.next[partitionIndex]
        }`,
      );
    }
  }
  await consume(topic, group, expectation, expectation.remaining, start);
  if (expectation.remaining > 0) throw new Error(`${expectation.remaining} records are missing`);
}

/** Runs two members until each has one partition and all records are read. */
async function shareGroup(topic) {
  const members = [newConsumer(`${topic}-shared`), newConsumer(`${topic}-shared`)];
  const seen = [new Set(), new Set()];
  try {
    await Promise.all(members.map(async (member) => {
      const start = { mode: "committed", fallbackMode: "earliest" };
      const stream = await member.consume({ topics: [topic], ...start });
      stream.on("data", ({ partition, offset }) => seen[partition].add(offset));
    }));
    const assigned = () =>
      members.map(({ assignments }) =>
        assignments?.flatMap(({ topic: one, partitions }) => one === topic ? partitions : []) ?? []
      );
    for (let tries = 0;; tries++) {
      const mine = assigned();
      const shared = mine.every(({ length }) => length === 1) &&
        mine.flat().sort().join() === "0,1";
      if (shared && seen.every(({ size }) => size === records / PARTITIONS)) return;
      if (tries === 300) {
        throw new Error(
          `assigned ${JSON.stringify(mine)}, read ${seen[0].size} and ${seen[1].size}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await Promise.all(members.map((member) => member.close(true)));
  }
}

async function weakAcks(topic) {
  await produce(topic, "none", { acks: 0 }, 0, 500);
  // acks=0 has no response: wait until the end of the log shows that the records are stored.
  for (let tries = 0;; tries++) {
    const ends = await listOffsets(topic, -1n);
    const sum = ends.reduce((total, { offset }) => total + Number(offset), 0);
    if (sum >= 500) break;
    if (tries === 200) throw new Error(`${sum} of 500 records sent with acks=0 arrived`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await produce(topic, "none", { acks: 1 }, 500, 1_000);
  const expectation = new Expectation(1_000, base, [0, 0]);
  await consume(topic, `${topic}-group`, expectation, 1_000, { mode: "earliest" });
}

const topics = [...compressions, "acks"].map((name) => `${prefix}-${name}`);
await checks.check("creates topics", async () => {
  const created = await admin.createTopics({ topics, partitions: PARTITIONS, replicas: 1 });
  for (const { name, partitions } of created) {
    if (partitions !== PARTITIONS) throw new Error(`${name} has ${partitions}`);
  }
  const listed = await admin.listTopics();
  const missing = topics.filter((topic) => !listed.includes(topic));
  if (missing.length > 0) throw new Error(`not listed: ${missing.join(", ")}`);
});
for (const name of compressions) {
  const topic = `${prefix}-${name}`;
  const idempotent = name === "none" || name === "lz4";
  await checks.check(
    `${name}: produces ${records} records${idempotent ? ", idempotent" : ""}`,
    () => produce(topic, name, { acks: -1, idempotent }, 0, records),
  );
  await checks.check(
    `${name}: consumes from the beginning`,
    () => consumeFrom(topic, `${topic}-beginning`, [0, 0], { mode: "earliest" }),
  );
  await checks.check(`${name}: consumes from an offset`, () => {
    const middle = middleOffset(records);
    return consumeFrom(topic, `${topic}-offset`, [middle, middle], manual(topic, middle));
  });
  await checks.check(`${name}: consumes from a timestamp`, () => fromTimestamp(topic));
  await checks.check(`${name}: commits and resumes in a group`, () => commitAndResume(topic));
}
await checks.check("two members share a group", () => shareGroup(`${prefix}-none`));
await checks.check("produces with acks 0 and 1", () => weakAcks(`${prefix}-acks`));
await checks.check("deletes topics", async () => {
  await admin.deleteTopics({ topics });
  const left = (await admin.listTopics()).filter((topic) => topics.includes(topic));
  if (left.length > 0) throw new Error(`still listed: ${left.join(", ")}`);
});
await admin.close();
process.exit(checks.failed > 0 ? 1 : 0);
