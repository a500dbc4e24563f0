/**
 * A metadata loader under test and the batches that it is given.
 *
 * @module
 */
import type { LogLevel } from "../../src/logger.ts";
import type { MetadataDelta } from "../../src/metadata/image.ts";
import type { MetadataListener } from "../../src/metadata/listener.ts";
import { type LoadableSnapshot, MetadataLoader } from "../../src/metadata/loader.ts";
import { encodeBatches, encodeBatchInSteps } from "../../src/metadata/record_batches.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { atOnce, NO_PAUSE, type Pause } from "../../src/protocol/records/compression/steps.ts";

/** Returns a loader and the messages that it logs. */
export function newLoader(
  newPause: () => Pause = () => NO_PAUSE,
): { loader: MetadataLoader; messages: string[] } {
  const messages: string[] = [];
  const logger = { log: (_level: LogLevel, message: string) => void messages.push(message) };
  return { loader: new MetadataLoader({ logger, newPause, nowMs: 0 }), messages };
}

/** Returns batches as read from a log, with the offsets from `baseOffset` on. */
export function batches(
  baseOffset: number,
  ...recordsOfBatches: readonly (readonly MetadataRecordInput[])[]
): Uint8Array {
  const encoded: Uint8Array[] = [];
  let offset = baseOffset;
  for (const records of recordsOfBatches) {
    const options = { epoch: 3, timestamp: 1_000 + offset, baseOffset: offset };
    encoded.push(atOnce(encodeBatchInSteps(records, options)));
    offset += records.length;
  }
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const batch of encoded) {
    bytes.set(batch, at);
    at += batch.length;
  }
  return bytes;
}

/** Returns a snapshot with `records`, whose header with two control records has been read. */
export function snapshotOf(
  records: Iterable<MetadataRecordInput>,
  endOffset: number,
): LoadableSnapshot {
  return {
    endOffset,
    epoch: 5,
    lastContainedLogTimestamp: 77,
    batches: encodeBatches(records, { epoch: 5, timestamp: 1, baseOffset: 2 }, NO_PAUSE),
  };
}

/** Notes what a listener receives, and which topics the image shows at that moment. */
export class NotingListener implements MetadataListener {
  readonly notes: string[] = [];
  readonly #topics: () => string;

  constructor(loader: MetadataLoader) {
    this.#topics = () => Array.from(loader.image.topics(), ({ name }) => name).join(",");
  }

  async prepare(delta: MetadataDelta): Promise<void> {
    await Promise.resolve();
    this.notes.push(`prepare ${describe(delta)}[${this.#topics()}]`);
  }

  async apply(delta: MetadataDelta): Promise<void> {
    await Promise.resolve();
    this.notes.push(`apply ${describe(delta)}[${this.#topics()}]`);
  }

  finish(): void {
    this.notes.push("finish");
  }

  /** Returns the notes so far, and forgets them. */
  take(): string[] {
    return this.notes.splice(0);
  }
}

function describe(delta: MetadataDelta): string {
  const parts = [
    ...delta.createdTopics.map(({ name }) => `+${name}`),
    ...delta.deletedTopics.map(({ name }) => `-${name}`),
    ...delta.changedTopics.map(({ after }) => `~${after.name}`),
    ...delta.changedConfigs.map(({ type, name }) => `config ${type} ${name}`),
    ...delta.changedBrokers.map((id) => `broker ${id}`),
    ...delta.changedControllers.map((id) => `controller ${id}`),
    ...delta.featuresChanged ? ["features"] : [],
  ];
  return parts.map((part) => `${part} `).join("");
}
