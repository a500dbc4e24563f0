/**
 * The model of a scenario: every record that was ever given to a producer, its outcome there, and the
 * record that was seen at each place. It shares nothing with the code under test but the bytes.
 *
 * @module
 */
import type { DecodedRecord } from "../../../src/protocol/records/batch.ts";
import type { World } from "../world.ts";

/** A record as it was given to a producer. */
export interface SentRecord {
  /** Unique within the run, and the beginning of the value. */
  readonly id: string;
  /** The sender: one life of one producer. */
  readonly writer: string;
  /** Its number among the records of its writer. */
  readonly index: number;
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  readonly headers: readonly (readonly [string, Uint8Array | null])[];
  /** ms since 1970. */
  readonly timestamp: number;
  /** Not known yet, written, failed and perhaps written, or written and lost. */
  state: "pending" | "acknowledged" | "failed" | "lost";
  /** Where it was acknowledged. */
  place: string | null;
}

/** A record as a reader got it. */
export type SeenRecord = Pick<
  DecodedRecord,
  "offset" | "timestamp" | "key" | "value" | "headers"
>;

const SEPARATOR = "|";
const decoder = new TextDecoder();

/** `id` and what else is in the value. */
export function valueOf(id: string, filling: string): Uint8Array {
  return new TextEncoder().encode(id + SEPARATOR + filling);
}

/** All records of a run. */
export class SentRecords {
  readonly #byId = new Map<string, SentRecord>();
  /** By topic, partition and offset: the record that is there. */
  readonly #seen = new Map<string, string>();

  constructor(private readonly world: World) {}

  /** Adds a record that is about to be sent. */
  add(record: SentRecord): void {
    this.#byId.set(record.id, record);
  }

  /** Marks a record as acknowledged by its producer. */
  acknowledge(record: SentRecord, partition: number, offset: number, timestamp: number): void {
    record.state = "acknowledged";
    record.place = placeOf(record.topic, partition, offset);
    this.world.count("acknowledged");
    this.world.simulation.trace(`acknowledged ${record.id} ${record.place}`);
    if (timestamp !== record.timestamp) {
      this.world.fail(`${record.id} of ${record.timestamp} was acknowledged with ${timestamp}`);
    }
    this.#remember(record.place, record.id);
    this.world.invariants.acknowledge(record.topic, partition, offset);
  }

  /** Marks a record as failed in its producer: it may have been written. */
  fail(record: SentRecord, error: Error): void {
    record.state = "failed";
    this.world.count("failed");
    this.world.simulation.trace(`failed ${record.id} ${error.message}`);
  }

  /** Checks a record that a reader got: it was sent, byte for byte, and is always the same one. */
  see(topic: string, partition: number, seen: SeenRecord): SentRecord | null {
    const place = placeOf(topic, partition, seen.offset);
    const id = seen.value === null ? "" : decoder.decode(seen.value).split(SEPARATOR, 1)[0]!;
    const record = this.#byId.get(id);
    if (record === undefined || record.topic !== topic) {
      this.world.fail(`at ${place} is a record that was not sent there, ${JSON.stringify(id)}`);
      return null;
    }
    const difference = differenceOf(record, seen);
    if (difference !== null) this.world.fail(`${id} at ${place} has another ${difference}`);
    this.#remember(place, id);
    return record;
  }

  /**
   * Forgets the records from `offset` on, which a power failure took: they may be stored again.
   * Returns how many of them had been acknowledged.
   */
  forgetFrom(topic: string, partition: number, offset: number): number {
    const beginning = placeOf(topic, partition, 0).slice(0, -1);
    const places = [...this.#seen.keys()].filter((place) =>
      place.startsWith(beginning) && Number(place.slice(beginning.length)) >= offset
    );
    let acknowledged = 0;
    for (const place of places) {
      const record = this.#byId.get(this.#seen.get(place)!)!;
      this.#seen.delete(place);
      if (record.place !== place) continue;
      acknowledged++;
      record.state = "lost";
    }
    return acknowledged;
  }

  #remember(place: string, id: string): void {
    const before = this.#seen.get(place);
    if (before === undefined) this.#seen.set(place, id);
    else if (before !== id) this.world.fail(`at ${place} was ${before}, now it is ${id}`);
  }

  /**
   * Compares the whole content of a topic with what was sent to it: whatever was acknowledged is
   * there at its place, everything is there at most once, and the records of one writer that were
   * acknowledged are in the order in which they were sent. With `mayLose`, what was acknowledged may
   * be missing.
   */
  checkTopic(topic: string, logs: readonly (readonly SeenRecord[])[], mayLose = false): void {
    const places = new Map<string, string>();
    logs.forEach((log, partition) => {
      const last = new Map<string, SentRecord>();
      for (const seen of log) {
        const record = this.see(topic, partition, seen);
        if (record === null) continue;
        const place = placeOf(topic, partition, seen.offset);
        const twin = places.get(record.id);
        if (twin !== undefined) this.world.fail(`${record.id} is at ${twin} and at ${place}`);
        places.set(record.id, place);
        if (record.state !== "acknowledged") continue;
        const before = last.get(record.writer);
        if (before !== undefined && before.index > record.index) {
          this.world.fail(`at ${place} ${record.id} comes after ${before.id}`);
        }
        last.set(record.writer, record);
      }
    });
    if (mayLose) return;
    for (const { id, topic: its, state, place } of this.#byId.values()) {
      if (its !== topic || state !== "acknowledged" || places.get(id) === place) continue;
      this.world.fail(
        `${id} was acknowledged at ${place}, it is at ${places.get(id) ?? "no place"}`,
      );
    }
  }
}

function placeOf(topic: string, partition: number, offset: number): string {
  return `${topic}-${partition}@${offset}`;
}

/** Returns the part of `seen` that differs from what was sent, or null. */
function differenceOf(sent: SentRecord, seen: SeenRecord): string | null {
  if (!same(sent.key, seen.key)) return "key";
  if (!same(sent.value, seen.value)) return "value";
  if (sent.timestamp !== seen.timestamp) return "timestamp";
  const { headers } = seen;
  const sameHeaders = headers.length === sent.headers.length &&
    sent.headers.every(([key, value], i) =>
      headers[i]!.key === key && same(value, headers[i]!.value)
    );
  return sameHeaders ? null : "header";
}

function same(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
