/**
 * Bit rot: a file is damaged while no process runs, and the next start
 * must neither take anything away in silence nor serve anything else.
 *
 * - In a `.log`, below the recovery point: the partition stays closed and names the file, or what is
 *   not damaged is served, and the damaged batch is detected by its checksum.
 * - In a `.log`, from the recovery point on: the same, or it is cut there, as after a torn write, and
 *   that is reported.
 * - An `.index`, `.timeindex` or `.snapshot`: everything is served as if nothing had happened.
 *
 * The bytes of a batch's base offset and leader epoch are left alone: Kafka's checksum does not cover
 * them.
 *
 * @module
 */
import { verifyDataDirectory } from "../../../src/inspect/verify.ts";
import { decodeBatch } from "../../../src/protocol/records/batch.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { STORED_CODECS } from "../stored_codecs.ts";
import {
  batchesIn,
  type FoundBatch,
  readBytes,
  readFrom,
  readLog,
  sameBytes,
} from "./models/stored_batch.ts";
import { type Place, textOf } from "./machine.ts";
import { DATA, type Store } from "./store.ts";

const RECOVERY_POINTS = `${DATA}/recovery-point-offset-checkpoint`;
const LENGTH_FIELD = 8;
const EPOCH_FIELD = 12;
const EPOCH_FIELD_END = 16;
const REBUILT = /\.(index|timeindex|snapshot)$/;

/** The damage of a file. */
interface Damage {
  readonly place: Place;
  readonly path: string;
  /** The damaged batch, or null for a file that can be rebuilt. */
  readonly batch: FoundBatch | null;
  /** The offsets of the file that it hit. */
  readonly segment: { readonly start: number; readonly end: number };
  /** Puts back what was there. */
  readonly undo: () => void;
}

/** Damages a file of `store`, which is closed and whose logs are what the models say, and starts it. */
export async function damageAndStart(store: Store, random: Xoshiro128): Promise<void> {
  const place = store.places[random.below(store.places.length)]!;
  const damage = random.oneIn(3)
    ? damageOther(store, place, random)
    : damageRecords(store, place, random);
  if (damage === null) return;
  const { world } = store;
  const kind = damage.path.slice(damage.path.lastIndexOf(".") + 1);
  world.count(`damaged ${kind}`);
  const recoveryPoint = recoveryPointOf(store, place);
  world.simulation.trace(`damage ${damage.path}, the recovery point is ${recoveryPoint}`);
  if (damage.batch !== null) await expectFound(store, damage.path);
  const wasCut = await start(store, damage, recoveryPoint);
  store.kill();
  if (!wasCut) damage.undo();
}

/** Checks that verifying the directory finds the damage. */
async function expectFound({ world, runtime }: Store, path: string): Promise<void> {
  const { damages } = await verifyDataDirectory(DATA, { runtime });
  if (damages.some(({ file }) => file === path)) return;
  world.fail(`${path} is damaged, and verifying the directory does not find it`);
}

async function start(store: Store, damage: Damage, recoveryPoint: number): Promise<boolean> {
  const { world } = store;
  const { place, path, batch } = damage;
  const { model } = place;
  try {
    await store.open();
  } catch (error) {
    world.fail(`${path} is damaged, and nothing can be opened: ${textOf(error)}`);
    return false;
  }
  for (const other of store.places) {
    if (other !== place) checkSound(store, other, path);
  }
  const log = store.manager.get(model.topic, model.partition);
  if (log === undefined) {
    const why = store.manager.failures.get(model.name)?.message ?? "it is not there";
    if (batch === null || !why.includes(path)) {
      world.fail(`${path} is damaged, and ${model.name} is not open: ${why}`);
    }
    world.count("damage refused");
    return false;
  }
  if (batch === null) {
    checkSound(store, place, path);
    return false;
  }
  const isReported = store.reports.has(model.name);
  if (log.logEndOffset === model.endOffset && !isReported) {
    checkRest(store, damage);
    world.count("damage left for its readers");
    return false;
  }
  // Of a compacted log the offsets before may be gone too.
  const { logEndOffset } = log;
  const cutAt = model.isCompacted ? Math.min(batch.baseOffset, logEndOffset) : batch.baseOffset;
  if (cutAt < recoveryPoint) {
    world.fail(
      `${path} is damaged at ${cutAt}, and ${model.name} was cut at ${log.logEndOffset}, ` +
        `below its recovery point ${recoveryPoint}`,
    );
  }
  if (!isReported) {
    world.fail(`${path} is damaged, and ${model.name} was truncated without a report`);
  }
  world.count("damage cut");
  // A log that ends before its start continues there.
  if (cutAt <= model.startOffset) model.producers++;
  model.truncate(Math.max(cutAt, model.startOffset));
  model.forgetLineages();
  place.log = log;
  checkSound(store, place, path);
  return true;
}

/** Checks that a log is as in the model. */
function checkSound(store: Store, { model }: Place, path: string): void {
  const log = store.manager.get(model.topic, model.partition);
  if (log === undefined) {
    const why = store.manager.failures.get(model.name)?.message ?? "it is not there";
    return store.world.fail(`${path} is damaged, and ${model.name} is not open: ${why}`);
  }
  try {
    const random = store.world.random(`damaged ${path}`);
    const problem = model.judge(readLog(log, random), "kill");
    if (problem !== null) store.world.fail(`${path} is damaged, and ${model.name}: ${problem}`);
    for (const { baseOffset, lastOffset } of model.isCompacted ? [] : model.readable) {
      const offset = Math.max(model.startOffset, random.between(baseOffset, lastOffset));
      const read = readFrom(log, offset, 1)[0];
      if (read?.baseOffset !== baseOffset) {
        store.world.fail(
          `${path} is damaged, and reading ${offset} of ${model.name} returns ${read?.baseOffset}, ` +
            `not ${baseOffset}`,
        );
      }
    }
  } catch (error) {
    store.world.fail(`${path} is damaged, and ${model.name} cannot be read: ${textOf(error)}`);
  }
}

/** Checks that other segments are intact, and that the damaged batch is not served as a good one. */
function checkRest(store: Store, damage: Damage): void {
  const { place, path, segment, batch } = damage;
  const { model } = place;
  const log = store.manager.get(model.topic, model.partition)!;
  for (const wanted of model.isCompacted ? [] : model.readable) {
    const isHit = wanted.baseOffset >= segment.start && wanted.baseOffset < segment.end;
    const offset = Math.max(wanted.baseOffset, model.startOffset);
    try {
      const bytes = readBytes(log, offset, 1);
      const read = batchesIn(bytes)[0];
      // Bytes without a whole batch: clients say so, and do not wait for more.
      if (isHit && read === undefined && bytes.length > 0) continue;
      if (read !== undefined && sameBytes(read.bytes, wanted.bytes)) {
        if (wanted.baseOffset !== batch!.baseOffset) continue;
        store.world.fail(`${path} is damaged at ${offset}, and reading returns the original`);
      } else if (!isHit || read === undefined) {
        store.world.fail(`${path} is damaged, and reading ${offset} returns something else`);
      } else if (wanted.baseOffset === batch!.baseOffset && passes(read, wanted.baseOffset)) {
        store.world.fail(`${path} is damaged at ${offset}, and no reader can detect it`);
      }
    } catch (error) {
      if (isHit && error instanceof KafkaError) continue;
      store.world.fail(`${path} is damaged, and reading ${offset} fails: ${textOf(error)}`);
    }
  }
}

/** Whether a client would accept the batch. */
function passes(read: FoundBatch, wantedOffset: number): boolean {
  try {
    decodeBatch(read.bytes, 0, { codecs: STORED_CODECS });
    return read.baseOffset === wantedOffset;
  } catch {
    return false;
  }
}

function damageRecords(store: Store, place: Place, random: Xoshiro128): Damage | null {
  const names = namesIn(store, place).filter((name) => name.endsWith(".log"));
  if (names.length === 0) return null;
  const name = names[random.below(names.length)]!;
  const path = `${directoryOf(place)}/${name}`;
  const batches = batchesIn(contentOf(store, path));
  if (batches.length === 0) return null;
  const index = random.below(batches.length);
  const batch = batches[index]!;
  const { startOffset, compactedUpTo } = place.model;
  if (batch.lastOffset < startOffset) return null;
  // A truncated batch may have made others obsolete while the recovery point was not stored.
  if (batch.baseOffset < compactedUpTo && batch.baseOffset >= recoveryPointOf(store, place)) {
    return null;
  }
  const at = random.below(batch.bytes.length);
  if (at < LENGTH_FIELD || (at >= EPOCH_FIELD && at < EPOCH_FIELD_END)) return null;
  const position = batches.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, at);
  const mask = 1 << random.below(8);
  store.disk.corrupt(path, position, mask);
  return {
    place,
    path,
    batch,
    segment: { start: batches[0]!.baseOffset, end: batches.at(-1)!.lastOffset + 1 },
    undo: () => store.disk.corrupt(path, position, mask),
  };
}

function damageOther(store: Store, place: Place, random: Xoshiro128): Damage | null {
  const names = namesIn(store, place).filter((name) => REBUILT.test(name));
  if (names.length === 0) return null;
  const name = names[random.below(names.length)]!;
  const path = `${directoryOf(place)}/${name}`;
  const content = store.disk.tree.openFile(path, "read").content;
  const { length } = content;
  switch (random.below(4)) {
    case 0:
      store.disk.tree.remove(path);
      break;
    case 1:
      content.truncate(random.below(length + 1));
      break;
    case 2:
      content.write(new Uint8Array(length), 0);
      break;
    default:
      if (length > 0) store.disk.corrupt(path, random.below(length), 1 << random.below(8));
  }
  return { place, path, batch: null, segment: { start: 0, end: 0 }, undo: () => {} };
}

function directoryOf({ model }: Place): string {
  return `${DATA}/${model.name}`;
}

function namesIn(store: Store, place: Place): string[] {
  return store.disk.tree.list(directoryOf(place)).map(({ name }) => name).sort();
}

function contentOf(store: Store, path: string): Uint8Array {
  const { content } = store.disk.tree.openFile(path, "read");
  const bytes = new Uint8Array(content.length);
  content.read(bytes, 0);
  return bytes;
}

/** Returns the recovery point of the log in the checkpoint: everything before it was on the disk. */
function recoveryPointOf(store: Store, { model }: Place): number {
  if (!store.disk.tree.exists(RECOVERY_POINTS)) return 0;
  const text = new TextDecoder().decode(contentOf(store, RECOVERY_POINTS));
  const line = text.split("\n").find((line) =>
    line.startsWith(`${model.topic} ${model.partition} `)
  );
  return Number(line?.split(" ")[2] ?? 0);
}
