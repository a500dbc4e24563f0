/**
 * kcat (librdkafka's command-line tool), driven like from a shell: automatic topic creation, every
 * compression, offsets, timestamps and groups, as `../../README.md` lists them.
 *
 * kcat sets neither timestamps nor headers per record, so a topic is filled in four blocks, one run of kcat for each
 * block and partition, with one set of headers a block; and its flag -Z decides whether empty keys and values are null.
 *
 * @module
 */

import { Checks, makeRecord, middleOffset, PARTITIONS, sameBytes } from "../records.mjs";

const [bootstrap, prefix, count = "10000"] = Deno.args;
if (bootstrap === undefined || prefix === undefined) {
  console.error("usage: main.ts BOOTSTRAP TOPIC_PREFIX [RECORDS]");
  Deno.exit(2);
}
const records = Number(count);
const perPartition = records / PARTITIONS;
const checks = new Checks("kcat");
const limitMs = 20_000;

const headersOfBlock = [
  [],
  ["text=some é text"],
  ["text=some é text", "empty="],
  ["text=some é text", "empty=", "null", "text=again"],
];
/** The headers as printed by kcat. */
const shownHeaders = headersOfBlock.map((headers) =>
  headers.map((header) => header.includes("=") ? header : `${header}=NULL`).join(",")
);

const keyEnd = new TextEncoder().encode("<end of key>");
const messageEnd = new TextEncoder().encode("<end of message>");
const none = new Uint8Array(0);

interface Sent {
  block: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
}

/** Returns record `index` as far as kcat can send it. */
function sent(index: number): Sent {
  const { key, value } = makeRecord(index, 0);
  const block = Math.floor(index * 4 / records);
  // With -Z every empty key and value is null; without it a record without a key needs a value.
  if (block < 2) {
    return {
      block,
      key: key?.length === 0 ? null : key,
      value: value?.length === 0 ? null : value,
    };
  }
  const filled = key === null && !value?.length ? new Uint8Array([index & 0xff]) : value ?? none;
  return { block, key, value: filled };
}

function concatenate(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Runs kcat and returns its output. Throws with its stderr if the exit code is not 0. */
async function kcat(args: string[], input?: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const child = new Deno.Command("kcat", {
    args: ["-b", bootstrap!, ...args],
    stdin: input ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(limitMs),
  }).spawn();
  const ended = child.output();
  if (input) {
    const writer = child.stdin.getWriter();
    await writer.write(input).then(() => writer.close()).catch(() => {});
  }
  const { code, stdout, stderr } = await ended;
  if (code !== 0) {
    const said = new TextDecoder().decode(stderr).trim().slice(0, 300);
    throw new Error(`kcat ${args.slice(0, 4).join(" ")} ended with ${code}: ${said}`);
  }
  return stdout;
}

const printed = async (args: string[]) => new TextDecoder().decode(await kcat(args));

/** Returns the partitions of a topic in kcat's metadata listing. */
async function partitionsOf(topic: string): Promise<number[]> {
  const listing = JSON.parse(await printed(["-L", "-J", "-t", topic]));
  return listing.topics[0].partitions.map(({ partition }: { partition: number }) => partition)
    .sort();
}

async function createByAsking(topics: string[]): Promise<void> {
  for (const topic of topics) {
    let found: number[] = [];
    // The listing makes the broker create the topic. The first response may arrive before it exists.
    for (let tries = 0; tries < 50 && found.length === 0; tries++) {
      found = await partitionsOf(topic);
    }
    if (found.length !== PARTITIONS) {
      throw new Error(`${topic} has partitions "${found}", the broker's num.partitions must be 2`);
    }
  }
}

async function produce(topic: string, from: number, to: number, options: string[]): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let block = 0; block < 4; block++) {
      const parts: Uint8Array[] = [];
      for (let index = from; index < to; index++) {
        const record = sent(index);
        if (index % PARTITIONS !== partition || record.block !== block) continue;
        if (record.key !== null || block < 2) parts.push(record.key ?? none, keyEnd);
        parts.push(record.value ?? none, messageEnd);
      }
      if (parts.length === 0) continue;
      await kcat([
        ...["-P", "-t", topic, "-p", String(partition), ...options],
        ...["-K", new TextDecoder().decode(keyEnd), "-D", new TextDecoder().decode(messageEnd)],
        ...headersOfBlock[block]!.flatMap((header) => ["-H", header]),
        ...(block < 2 ? ["-Z"] : []),
      ], concatenate(parts));
    }
  }
}

/** A line of numbers and headers, then the raw key and value. */
const format = ["-q", "-f", "%p %o %T %K %S %h\\n%k%s\\n"];

interface Received {
  partition: number;
  offset: number;
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: string;
}

function parse(output: Uint8Array): Received[] {
  const received: Received[] = [];
  for (let at = 0; at < output.length;) {
    const lineEnd = output.indexOf(10, at);
    const line = new TextDecoder().decode(output.subarray(at, lineEnd));
    const [partition, offset, timestamp, keyLength, valueLength] = line.split(" ").map(Number);
    const keyAt = lineEnd + 1;
    const valueAt = keyAt + Math.max(0, keyLength!);
    const end = valueAt + Math.max(0, valueLength!);
    received.push({
      partition: partition!,
      offset: offset!,
      timestamp: timestamp!,
      key: keyLength! < 0 ? null : output.subarray(keyAt, valueAt),
      value: valueLength! < 0 ? null : output.subarray(valueAt, end),
      headers: line.split(" ").slice(5).join(" "),
    });
    at = end + 1;
  }
  return received;
}

/** Compares received with sent records. `next`, the expected offset of each partition, is updated. */
function compare(received: Received[], next: number[]): void {
  for (const record of received) {
    const where = `partition ${record.partition} offset ${record.offset}`;
    if (record.offset !== next[record.partition]) {
      throw new Error(`${where} arrived where ${next[record.partition]} was due`);
    }
    next[record.partition]!++;
    const expected = sent(record.offset * PARTITIONS + record.partition);
    if (!sameBytes(record.key, expected.key)) throw new Error(`${where}: another key`);
    if (!sameBytes(record.value, expected.value)) throw new Error(`${where}: another value`);
    const headers = shownHeaders[expected.block];
    if (record.headers !== headers) {
      throw new Error(`${where}: headers "${record.headers}", produced with "${headers}"`);
    }
  }
}

function requireEnd(next: number[]): void {
  if (next.some((offset) => offset !== perPartition)) {
    throw new Error(`read up to ${next}, the end is ${perPartition}`);
  }
}

/** Reads one partition from kcat's -o up to its end. */
async function consume(topic: string, partition: number, from: string): Promise<Received[]> {
  const args = ["-C", "-t", topic, "-p", String(partition), "-o", from, "-e", ...format];
  return parse(await kcat([...args, "-X", "fetch.wait.max.ms=20"]));
}

async function consumeFrom(topic: string, from: string, offset: number): Promise<Received[]> {
  const next = Array<number>(PARTITIONS).fill(offset);
  const received: Received[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    received.push(...await consume(topic, partition, from));
  }
  compare(received, next);
  requireEnd(next);
  return received;
}

async function query(topic: string, partition: number, timestamp: number): Promise<number> {
  const line = await printed(["-Q", "-t", `${topic}:${partition}:${timestamp}`]);
  return Number(line.trim().split(" ").pop());
}

async function fromTimestamp(topic: string, start: number, end: number): Promise<void> {
  const all = (await consumeFrom(topic, "beginning", 0)).filter(({ partition }) => partition === 0);
  for (const { offset, timestamp } of all) {
    if (timestamp < start || timestamp > end) {
      throw new Error(
        `offset ${offset} has timestamp ${timestamp}, produced from ${start} to ${end}`,
      );
    }
  }
  const wanted = all[Math.floor(all.length * 2 / 3)]!.timestamp;
  const due = all.find(({ timestamp }) => timestamp >= wanted)!.offset;
  const found = [
    [await query(topic, 0, wanted), due],
    [await query(topic, 0, end + 1_000), -1],
    [await query(topic, 0, -2), 0],
    [await query(topic, 0, -1), perPartition],
  ];
  for (const [actual, expected] of found) {
    if (actual !== expected) throw new Error(`-Q found ${found.map(([one]) => one)}, not ${due}…`);
  }
  const next = [due];
  compare(await consume(topic, 0, `s@${wanted}`), next);
  if (next[0] !== perPartition) throw new Error(`read up to ${next[0]}, not ${perPartition}`);
}

const groupOptions = [
  ...["-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=10000"],
  ...["-X", "heartbeat.interval.ms=500", "-X", "fetch.wait.max.ms=20"],
];

async function commitAndResume(topic: string): Promise<void> {
  const next = Array<number>(PARTITIONS).fill(0);
  const group = ["-G", `${topic}-group`, topic];
  const part = String(Math.floor(records * 0.3));
  const first = parse(await kcat([...format, ...groupOptions, "-c", part, ...group]));
  if (first.length !== Number(part)) throw new Error(`${first.length} came, not ${part}`);
  compare(first, next);
  const rest = parse(await kcat([...format, ...groupOptions, "-e", ...group]));
  compare(rest, next);
  requireEnd(next);
}

/** Runs two processes in one group. kcat prints its assignment to stderr. */
async function shareGroup(topic: string): Promise<void> {
  const assigned: string[] = ["", ""];
  let shared = false;
  const members = assigned.map(() =>
    new Deno.Command("kcat", {
      args: ["-b", bootstrap!, "-o", "end", ...groupOptions, "-G", `${topic}-shared`, topic],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn()
  );
  const timer = setTimeout(() => members.forEach((member) => member.kill("SIGKILL")), limitMs);
  try {
    await Promise.all(members.map(async (member, one) => {
      let said = "";
      for await (const chunk of member.stderr.pipeThrough(new TextDecoderStream())) {
        said += chunk;
        const lines = said.split("\n");
        said = lines.pop()!;
        for (const line of lines) {
          if (shared) break;
          if (/rebalanced.*assigned: /.test(line)) {
            assigned[one] = line.replace(/.*assigned: /, "").trim();
          }
          if (/rebalanced.*revoked/.test(line)) assigned[one] = "";
        }
        if (!shared && [...assigned].sort().join() === `${topic} [0],${topic} [1]`) {
          shared = true;
          members.forEach((other) => other.kill("SIGTERM"));
        }
      }
    }));
  } finally {
    clearTimeout(timer);
  }
  const codes = (await Promise.all(members.map((member) => member.status))).map(({ code }) => code);
  if (!shared) {
    throw new Error(`assigned "${assigned[0]}" and "${assigned[1]}", ended with ${codes}`);
  }
}

async function weakAcks(topic: string): Promise<void> {
  await produce(topic, 0, 500, ["-X", "acks=0"]);
  // acks=0 has no response: wait until the end of the log shows that the records are stored.
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let tries = 0; await query(topic, partition, -1) < 250; tries++) {
      if (tries === 100) throw new Error("500 records sent with acks=0 did not arrive");
    }
  }
  await produce(topic, 500, 1_000, ["-X", "acks=1"]);
  const received = await consume(topic, 1, "beginning");
  compare(received, [0, 0]);
  if (received.length !== 500) throw new Error(`${received.length} came, not 500`);
}

const compressions = ["none", "gzip", "snappy", "lz4", "zstd"];
const topics = [...compressions, "acks"].map((name) => `${prefix}-${name}`);
await checks.check("creates topics by requesting their metadata", () => createByAsking(topics));
for (const name of compressions) {
  const topic = `${prefix}-${name}`;
  const idempotent = name === "lz4" || name === "zstd";
  const options = ["-z", name, "-X", "acks=all", "-X", `enable.idempotence=${idempotent}`];
  const start = Date.now();
  await checks.check(
    `${name}: produces ${records} records${idempotent ? ", idempotent" : ""}`,
    () => produce(topic, 0, records, options),
  );
  const end = Date.now();
  await checks.check(`${name}: consumes from the beginning`, async () => {
    await consumeFrom(topic, "beginning", 0);
  });
  await checks.check(`${name}: consumes from an offset`, async () => {
    const middle = middleOffset(records);
    await consumeFrom(topic, String(middle), middle);
  });
  await checks.check(
    `${name}: consumes from a timestamp`,
    () => fromTimestamp(topic, start, end),
  );
  await checks.check(`${name}: commits and resumes in a group`, () => commitAndResume(topic));
}
await checks.check("two members share a group", () => shareGroup(`${prefix}-none`));
await checks.check("produces with acks 0 and 1", () => weakAcks(`${prefix}-acks`));
Deno.exit(checks.failed > 0 ? 1 : 0);
