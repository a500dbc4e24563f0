/**
 * The metadata log that the quorum has committed, as put together from all its replicas, and the state
 * that it describes. The state is kept by code of its own where the product has a choice: open
 * transactions.
 *
 * @module
 */
import type { BrokerImage } from "../../../src/metadata/image.ts";
import { MetadataState } from "../../../src/metadata/metadata_state.ts";
import {
  decodeMetadataRecord,
  type MetadataRecord,
} from "../../../src/metadata/records/metadata_record.ts";
import {
  endOfBatch,
  isControl,
  readAttributes,
  readBaseOffset,
  readLastOffset,
  readPartitionLeaderEpoch,
  readRecords,
} from "../../../src/protocol/records/batch.ts";
import { markOf } from "../../../src/simulator/trace.ts";
import { imageDigest } from "./image_digest.ts";
import { brokenRule } from "./state_rules.ts";

/** A batch that is committed. */
interface CommittedBatch {
  readonly lastOffset: number;
  readonly mark: string;
}

/** A broker that a batch has taken into service. */
export interface Unfenced {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** The committed log of a run. The methods return what does not hold, or null. */
export class CommittedLog {
  /** The state at the end of the log. */
  readonly state: MetadataState = new MetadataState();
  /** By the offset of the first record. */
  readonly #batches = new Map<number, CommittedBatch>();
  /** The digests of the state, by the offset of the last record. */
  readonly #digests = new Map<number, string>();
  #endOffset = 0;
  /** The records of the open transaction, or null. */
  #transaction: MetadataRecord[] | null = null;
  /** All epochs of each broker so far, with the incarnation that has it. */
  readonly #owners = new Map<string, string>();
  readonly #lastEpochs = new Map<number, number>();
  #onUnfenced: (unfenced: Unfenced) => string | null = () => null;
  #onFenced: (broker: BrokerImage) => string | null = () => null;

  /** The offset after the last committed record. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Calls `check` when a broker comes into service, or leaves it. */
  watch(
    { unfenced, fenced }: {
      readonly unfenced: (unfenced: Unfenced) => string | null;
      readonly fenced: (broker: BrokerImage) => string | null;
    },
  ): void {
    this.#onUnfenced = unfenced;
    this.#onFenced = fenced;
  }

  /** The earlier epochs of a broker, oldest first. */
  earlierEpochs(brokerId: number): number[] {
    const now = this.state.broker(brokerId)?.epoch;
    return [...this.#owners.keys()].map((key) => key.split(":").map(Number))
      .flatMap(([id, epoch]) => id === brokerId && epoch !== now ? [epoch!] : []);
  }

  /** Adds batches that a replica says are committed. */
  add(bytes: Uint8Array): string | null {
    for (let at = 0; at < bytes.length;) {
      const end = endOfBatch(bytes, at, bytes.length);
      if (end <= at) return "a replica returns an incomplete committed batch";
      const batch = bytes.subarray(at, end);
      const broken = this.#addBatch(batch);
      if (broken !== null) return broken;
      at = end;
    }
    return null;
  }

  /** Checks an image whose last record is at `offset`. */
  checkImage(offset: number, digest: string): string | null {
    if (offset < 0) return null;
    const expected = this.#digests.get(offset);
    if (expected === undefined) return `it ends at ${offset}, inside a batch or a transaction`;
    if (expected === digest) return null;
    return `at ${offset} it is ${digest}, and the committed log makes it ${expected}`;
  }

  #addBatch(batch: Uint8Array): string | null {
    const baseOffset = readBaseOffset(batch, 0);
    const lastOffset = readLastOffset(batch, 0);
    const mark = `epoch ${readPartitionLeaderEpoch(batch, 0)}, ${markOf(batch)}`;
    if (baseOffset < this.#endOffset) {
      const known = this.#batches.get(baseOffset);
      if (known?.mark === mark) return null;
      return `two batches are committed at ${baseOffset}: ${known?.mark} and ${mark}`;
    }
    if (baseOffset > this.#endOffset) {
      return `a batch is committed at ${baseOffset}, and the log ends at ${this.#endOffset}`;
    }
    this.#batches.set(baseOffset, { lastOffset, mark });
    this.#endOffset = lastOffset + 1;
    return this.#apply(batch, lastOffset);
  }

  #apply(batch: Uint8Array, lastOffset: number): string | null {
    const { state } = this;
    const records = isControl(readAttributes(batch, 0)) ? [] : this.#effective(batch);
    if (this.#transaction !== null) return null;
    const before = new Map([...state.brokers()].map((broker) => [broker.id, broker]));
    const delta = state.apply(records, lastOffset, readPartitionLeaderEpoch(batch, 0));
    this.#digests.set(lastOffset, imageDigest(state));
    return brokenRule(state, delta) ?? this.#checkBrokers(before);
  }

  /** The records that take effect with this batch. */
  #effective(batch: Uint8Array): MetadataRecord[] {
    const effective: MetadataRecord[] = [];
    for (const { value } of readRecords(batch, 0)) {
      const record = decodeMetadataRecord(value!);
      if (record.name === "BeginTransactionRecord") this.#transaction = [];
      else if (record.name === "AbortTransactionRecord") this.#transaction = null;
      else if (record.name === "EndTransactionRecord") {
        effective.push(...this.#transaction ?? []);
        this.#transaction = null;
      } else if (record.name !== "NoOpRecord") (this.#transaction ?? effective).push(record);
    }
    return effective;
  }

  #checkBrokers(before: ReadonlyMap<number, BrokerImage>): string | null {
    for (const broker of this.state.brokers()) {
      const earlier = before.get(broker.id);
      if (earlier === broker) continue;
      const broken = this.#checkOwner(broker) ?? this.#checkService(earlier, broker);
      if (broken !== null) return broken;
    }
    return null;
  }

  #checkOwner({ id, epoch, incarnationId }: BrokerImage): string | null {
    const last = this.#lastEpochs.get(id) ?? -1;
    if (epoch < last) return `the epoch of broker ${id} goes back from ${last} to ${epoch}`;
    this.#lastEpochs.set(id, epoch);
    const key = `${id}:${epoch}`;
    const owner = this.#owners.get(key) ?? incarnationId;
    this.#owners.set(key, owner);
    if (owner === incarnationId) return null;
    return `two processes have epoch ${epoch} of broker ${id}: ${owner} and ${incarnationId}`;
  }

  #checkService(before: BrokerImage | undefined, after: BrokerImage): string | null {
    const { id: brokerId, epoch: brokerEpoch } = after;
    const isSame = before?.epoch === brokerEpoch;
    if (!after.fenced && !(isSame && !before.fenced)) {
      return this.#onUnfenced({ brokerId, brokerEpoch });
    }
    if (after.fenced && isSame && !before.fenced) return this.#onFenced(before);
    return null;
  }
}
