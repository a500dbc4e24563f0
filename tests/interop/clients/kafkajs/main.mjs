/**
 * KafkaJS: topics, every compression, offsets, timestamps and groups, as `../../README.md` lists them.
 *
 * gzip is built in; snappy is the companion kafkajs-snappy. The companions for lz4 and zstd wrap native modules that
 * need a C++ compiler (the zstd one no longer compiles), so those two codecs are registered from packages that ship
 * their binary.
 *
 * @module
 */

import { compress, decompress, init } from "@bokuweb/zstd-wasm";
import { readFile } from "node:fs/promises";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import lz4 from "lz4-napi";
import {
  Checks,
  Expectation,
  lateTimestamp,
  makeRecord,
  middleOffset,
  middleTimestamp,
  PARTITIONS,
} from "../records.mjs";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

const [bootstrap, prefix, count = "10000"] = process.argv.slice(2);
if (bootstrap === undefined || prefix === undefined) {
  console.error("usage: main.mjs BOOTSTRAP TOPIC_PREFIX [RECORDS]");
  process.exit(2);
}
const records = Number(count);
const base = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;
const checks = new Checks("kafkajs");

await init();
CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => Promise.resolve(lz4.compressFrameSync(encoder.buffer)),
  decompress: (buffer) => Promise.resolve(lz4.decompressFrameSync(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder) => Promise.resolve(Buffer.from(compress(encoder.buffer, 3))),
  decompress: (buffer) => Promise.resolve(Buffer.from(decompress(buffer))),
});
const compressions = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

const kafka = new Kafka({
  clientId: "interop-kafkajs",
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, retries: 6 },
});
const admin = kafka.admin();

/** KafkaJS keeps headers in an object: null headers are dropped, headers with equal names become adjacent. */
function adapt(record) {
  const byName = new Map();
  for (const [name, value] of record.headers) {
    if (value !== null) byName.set(name, [...(byName.get(name) ?? []), value]);
  }
  const headers = [...byName].flatMap(([name, values]) => values.map((value) => [name, value]));
  return { ...record, headers };
}

const buffer = (value) => value === null ? null : Buffer.from(value);

function toMessage(record) {
  const headers = {};
  for (const [name, value] of adapt(record).headers) {
    headers[name] = [...(headers[name] ?? []), buffer(value)];
  }
  const { partition, timestamp, key, value } = record;
  return {
    partition,
    timestamp: String(timestamp),
    key: buffer(key),
    value: buffer(value),
    headers,
  };
}

async function produce(topic, compression, options, acks, from, to) {
  const producer = kafka.producer({
    createPartitioner: () => ({ message }) => message.partition,
    ...options,
  });
  await producer.connect();
  try {
    for (let start = from; start < to; start += 500) {
      const messages = [];
      for (let index = start; index < Math.min(start + 500, to); index++) {
        messages.push(toMessage(makeRecord(index, base)));
      }
      const answers = await producer.send({ topic, messages, compression, acks });
      for (const { partition, errorCode, baseOffset } of acks === 0 ? [] : answers) {
        if (errorCode !== 0) throw new Error(`partition ${partition} answered ${errorCode}`);
        const due = Math.ceil((start - partition) / PARTITIONS);
        if (Number(baseOffset) !== due) {
          throw new Error(`partition ${partition} gave offset ${baseOffset}, due was ${due}`);
        }
      }
    }
  } finally {
    await producer.disconnect();
  }
}

/**
 * Runs one member of a group until it has read `enough` records or `done` resolves. `each` is called with every record.
 * `seeks` are the offsets to start at, `commit` the offsets to commit before leaving.
 */
async function member(topic, group, each, enough, { seeks, commit, joined, done } = {}) {
  const consumer = kafka.consumer({
    groupId: group,
    maxWaitTimeInMs: 50,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
  });
  let finish, fail;
  const finished = new Promise((resolve, reject) => [finish, fail] = [resolve, reject]);
  done?.then(finish, fail);
  consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
  if (joined) consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => joined(payload));
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    let seen = 0;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
        try {
          for (const message of batch.messages) {
            if (seen >= enough) break;
            each(batch.partition, message);
            seen++;
            resolveOffset(message.offset);
          }
        } catch (error) {
          fail(error);
        }
        if (seen >= enough) finish();
        await heartbeat();
      },
    });
    for (const [partition, offset] of (seeks ?? []).entries()) {
      consumer.seek({ topic, partition, offset: String(offset) });
    }
    await finished;
    if (commit) {
      await consumer.commitOffsets(
        commit().map((offset, partition) => ({ topic, partition, offset: String(offset) })),
      );
    }
  } finally {
    await consumer.disconnect();
  }
}

function acceptInto(expectation) {
  return (partition, { offset, timestamp, key, value, headers }) => {
    const flat = Object.entries(headers).flatMap(([name, values]) =>
      (Array.isArray(values) ? values : [values]).map((one) => [name, one])
    );
    expectation.accept(partition, Number(offset), Number(timestamp), key, value, flat);
  };
}

async function consumeFrom(topic, group, offsets) {
  const expectation = new Expectation(records, base, offsets, adapt);
  const seeks = offsets.some((offset) => offset > 0) ? offsets : [];
  await member(topic, group, acceptInto(expectation), expectation.remaining, { seeks });
  if (expectation.remaining > 0) throw new Error(`${expectation.remaining} records are missing`);
}

async function fromTimestamp(topic) {
  const middle = middleTimestamp(records, base);
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, middle.timestamp);
  for (const { partition, offset } of found) {
    if (Number(offset) !== middle.offset) {
      throw new Error(`partition ${partition}: offset ${offset}, due was ${middle.offset}`);
    }
  }
  // After the last record KafkaJS itself turns "none" into the end of the log.
  for (const one of await admin.fetchTopicOffsetsByTimestamp(topic, lateTimestamp(records, base))) {
    if (Number(one.offset) !== records / PARTITIONS) {
      throw new Error(`partition ${one.partition}: ${one.offset} for a timestamp after the end`);
    }
  }
  const offsets = [];
  for (const { partition, offset } of found) offsets[partition] = Number(offset);
  await consumeFrom(topic, `${topic}-timestamp`, offsets);
}

async function commitAndResume(topic) {
  const expectation = new Expectation(records, base, [0, 0], adapt);
  const group = `${topic}-group`;
  const part = Math.floor(records * 0.3);
  await member(topic, group, acceptInto(expectation), part, { commit: () => expectation.next });
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  for (const { partition, offset } of committed.partitions) {
    // KafkaJS omits partitions without a committed offset; an offset of 0 is a committed one.
    if (Number(offset) !== expectation.next[partition]) {
      throw new Error(
        `partition ${partition}: committed ${offset}, not ${expectation.next[partition]}`,
      );
    }
  }
  await member(topic, group, acceptInto(expectation), expectation.remaining);
  if (expectation.remaining > 0) throw new Error(`${expectation.remaining} records are missing`);
}

/** Runs two members until each has one partition and all records are read. */
async function shareGroup(topic) {
  const group = `${topic}-shared`;
  const assigned = [[], []];
  const got = [new Set(), new Set()];
  let finish;
  const done = new Promise((resolve) => finish = resolve);
  const look = () => {
    const shared = assigned.every((partitions) => partitions.length === 1);
    const all = [0, 1].every((p) => got[0].size + got[1].size >= 2 && assigned.flat().includes(p));
    if (shared && all) finish();
  };
  await Promise.all([0, 1].map((one) =>
    member(
      topic,
      group,
      (partition) => {
        got[one].add(partition);
        look();
      },
      Infinity,
      {
        done,
        joined: ({ memberAssignment }) => {
          assigned[one] = memberAssignment[topic] ?? [];
          got[one].clear();
          look();
        },
      },
    )
  ));
  if (assigned.flat().sort().join() !== "0,1") {
    throw new Error(`members were assigned ${JSON.stringify(assigned)}`);
  }
}

async function weakAcks(topic) {
  await produce(topic, CompressionTypes.None, {}, 0, 0, 500);
  // acks=0 has no response: wait until the end of the log shows that the records are stored.
  for (let tries = 0;; tries++) {
    const ends = await admin.fetchTopicOffsets(topic);
    if (ends.reduce((sum, { high }) => sum + Number(high), 0) >= 500) break;
    if (tries === 200) throw new Error(`the log ends at ${JSON.stringify(ends)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await produce(topic, CompressionTypes.None, {}, 1, 500, 1_000);
  const expectation = new Expectation(1_000, base, [0, 0], adapt);
  await member(topic, `${topic}-group`, acceptInto(expectation), 1_000);
}

await admin.connect();
const topics = [...Object.keys(compressions), "acks"].map((name) => `${prefix}-${name}`);
await checks.check("creates topics", async () => {
  const created = await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
    waitForLeaders: true,
  });
  if (!created) throw new Error("the topics already existed");
  const { topics: described } = await admin.fetchTopicMetadata({ topics });
  for (const { name, partitions } of described) {
    if (partitions.length !== PARTITIONS) throw new Error(`${name} has ${partitions.length}`);
  }
});
for (const [name, compression] of Object.entries(compressions)) {
  const topic = `${prefix}-${name}`;
  const idempotent = name === "lz4" ? { idempotent: true, maxInFlightRequests: 1 } : {};
  const how = name === "lz4" ? ", idempotent" : "";
  await checks.check(
    `${name}: produces ${records} records${how}`,
    () => produce(topic, compression, idempotent, -1, 0, records),
  );
  await checks.check(
    `${name}: consumes from the beginning`,
    () => consumeFrom(topic, `${topic}-beginning`, [0, 0]),
  );
  await checks.check(`${name}: consumes from an offset`, () => {
    const middle = middleOffset(records);
    return consumeFrom(topic, `${topic}-offset`, [middle, middle]);
  });
  await checks.check(`${name}: consumes from a timestamp`, () => fromTimestamp(topic));
  await checks.check(`${name}: commits and resumes in a group`, () => commitAndResume(topic));
}
await checks.check("two members share a group", () => shareGroup(`${prefix}-none`));
await checks.check("produces with acks 0 and 1", () => weakAcks(`${prefix}-acks`));
await checks.check("runs the example of docs/compatibility.md", async () => {
  const page = await readFile("docs/compatibility.md", "utf8");
  const [, example] = /```js ignore\n.*?\n([^`]*)```/.exec(page);
  const topic = `${prefix}-acks`;
  const code = example.replace("127.0.0.1:9092", bootstrap).replace('"chat"', `"${topic}"`);
  const end = async () =>
    (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
  const before = await end();
  const AsyncFunction = end.constructor;
  await new AsyncFunction("Kafka", code)(Kafka);
  if (await end() !== before + 1) throw new Error("the record was not written");
});
await checks.check("deletes topics", async () => {
  await admin.deleteTopics({ topics });
  const left = (await admin.listTopics()).filter((topic) => topics.includes(topic));
  if (left.length > 0) throw new Error(`still listed: ${left.join(", ")}`);
});
await admin.disconnect();
process.exit(checks.failed > 0 ? 1 : 0);
