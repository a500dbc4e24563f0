/**
 * Carries out decisions of a leader on its replicated log, one after the other: decide, append, apply at
 * once, and answer when the records are committed. When the leadership ends, all that wait for an answer
 * fail, and the state is dropped with the queue.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { writeBaseOffset } from "../../protocol/records/batch_header.ts";
import {
  atOnce,
  type Pause,
  type Steps,
  withPauses,
} from "../../protocol/records/compression/steps.ts";
import { OffsetWaiters } from "../../metadata/offset_waiters.ts";
import { encodeBatchInSteps, MAX_RECORDS_PER_BATCH } from "../../metadata/record_batches.ts";
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import type { DecisionState } from "./decision_state.ts";

/** The log that decisions are appended to. */
export interface DecisionLog {
  /** The offset of the next record. */
  readonly endOffset: number;
  /** Appends a batch. Returns its position, or null if this node does not lead any more. */
  propose(
    batch: Uint8Array,
    recordCount: number,
  ): { readonly offset: number; readonly epoch: number } | null;
  /** Whether no other node can have become leader without this one's knowledge. */
  readonly isSoleVoter: boolean;
}

/** What a decision function returns. */
export interface Decided<Result> {
  /** In steps if there may be many. */
  readonly records: Iterable<MetadataRecordInput>;
  /**
   * Returns more records, which depend on the offset of the first of them. Called once `records` have been
   * appended and applied.
   */
  readonly epilogue?: (offset: number) => readonly MetadataRecordInput[];
  /** Answer at once if there are no records, although earlier decisions are not committed. */
  readonly isReadOfUncommitted?: boolean;
  readonly result: Result;
}

/** How a decision is carried out. */
export interface DecisionOptions {
  /** Whether the records take effect one by one too. Otherwise more than fit into a batch are rejected. */
  readonly isDivisible?: boolean;
  /** Return the result without any change, once what it depends on is committed. */
  readonly validateOnly?: boolean;
  /**
   * Whether to answer without records, and with an error, only once it is certain that no other node has led
   * meanwhile: a leader that was suspended may have been replaced, and its state is old then. Brokers try
   * again, but clients take such an answer as final.
   */
  readonly isForClient?: boolean;
  /**
   * Called when the records have been appended and applied, with the offset of the last record of the
   * log, before the next decision.
   */
  readonly onApplied?: (lastOffset: number) => void;
}

/** The dependencies of a queue. */
export interface DecisionQueueOptions {
  /** The epoch of the leadership. */
  readonly epoch: number;
  readonly log: DecisionLog;
  readonly state: DecisionState;
  /** Returns the time of records, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newPause: () => Pause;
  /** Called when a decision fails for no reason of its own: the state may be wrong. */
  readonly onFault: (error: unknown) => void;
}

/** What became of a decision: its answer is due when the record at `offset` is committed. */
type Outcome<Result> =
  & { readonly offset: number }
  & ({ readonly result: Result } | { readonly refusal: KafkaError });

/** The queue of one leadership. */
export class DecisionQueue {
  readonly #options: DecisionQueueOptions;
  readonly #answers = new OffsetWaiters();
  /** Stops waiting for the application of a batch that is under way. */
  #interrupt: ((reason: KafkaError) => void) | null = null;
  #end: KafkaError | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #lastOffset: number;
  #committedOffset = -1;

  constructor(options: DecisionQueueOptions) {
    this.#options = options;
    this.#lastOffset = options.log.endOffset - 1;
  }

  /** The offset of the last record that was appended. */
  get lastOffset(): number {
    return this.#lastOffset;
  }

  /**
   * Decides after all earlier decisions, and resolves with the result when the records of this and all
   * earlier ones are committed. Rejects with the error that `decide` throws, and with NOT_CONTROLLER when
   * the leadership ends first: the records may then be committed or not.
   */
  async run<Result>(
    decide: () => Decided<Result> | Steps<Decided<Result>>,
    options: DecisionOptions = {},
  ): Promise<Result> {
    const turn = this.#last.then(() => this.#carryOut(decide, options));
    this.#last = turn.then(() => {}, () => {});
    const outcome = await turn;
    if (outcome.offset > this.#committedOffset) {
      // The leadership may have ended since the turn: nothing would release a waiter that is added then.
      this.#check();
      await this.#answers.add(outcome.offset);
    }
    if ("refusal" in outcome) throw outcome.refusal;
    return outcome.result;
  }

  /** Answers the decisions whose records are below `offset`. */
  onCommitted(offset: number): void {
    this.#committedOffset = offset - 1;
    this.#answers.release(offset - 1);
  }

  /** Ends the queue: all that wait fail with `reason`. */
  end(reason: KafkaError): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#interrupt?.(reason);
    this.#answers.rejectAll(reason);
  }

  /** Resolves when no decision is being carried out. Call after `end()`. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #carryOut<Result>(
    decide: () => Decided<Result> | Steps<Decided<Result>>,
    options: DecisionOptions,
  ): Promise<Outcome<Result>> {
    this.#check();
    const rest = this.#options.newPause();
    const pause = async () => {
      await rest();
      this.#check();
    };
    let decided: Decided<Result>;
    try {
      const deciding = decide();
      decided = "next" in deciding ? await withPauses(deciding, pause) : deciding;
    } catch (error) {
      this.#check();
      if (!(error instanceof KafkaError) || !options.isForClient) throw error;
      await this.#confirmLeadership(pause);
      return { refusal: error, offset: this.#lastOffset };
    }
    return await this.#carryOutDecided(decided, options, pause);
  }

  async #carryOutDecided<Result>(
    { records, epilogue, isReadOfUncommitted = false, result }: Decided<Result>,
    { isDivisible = false, validateOnly = false, isForClient = false, onApplied }: DecisionOptions,
    pause: Pause,
  ): Promise<Outcome<Result>> {
    await pause();
    const all = await collect(records, pause);
    if (!isDivisible && all.length > MAX_RECORDS_PER_BATCH) {
      throw new KafkaError(
        ErrorCode.POLICY_VIOLATION,
        `Cannot execute a request with ${all.length} metadata records: ` +
          `the maximum is ${MAX_RECORDS_PER_BATCH}, split the request`,
      );
    }
    if (validateOnly) {
      if (isForClient) await this.#confirmLeadership(pause);
      return { result, offset: this.#lastOffset };
    }
    for (let at = 0; at < all.length; at += MAX_RECORDS_PER_BATCH) {
      await this.#append(all.slice(at, at + MAX_RECORDS_PER_BATCH), pause);
    }
    const last = epilogue?.(this.#options.log.endOffset) ?? [];
    // Nothing may come between the offset that it is decided for and its place in the log.
    if (last.length > 0) await this.#propose(atOnce(this.#encode(last)), last.length, pause);
    const isRead = all.length + last.length === 0;
    if (isRead && isForClient) await this.#confirmLeadership(pause);
    // Control records of the quorum may have followed, or those of an upgrade that was a part of it.
    this.#lastOffset = Math.max(this.#lastOffset, this.#options.log.endOffset - 1);
    onApplied?.(this.#lastOffset);
    const offset = isRead && isReadOfUncommitted ? -1 : this.#lastOffset;
    return { result, offset };
  }

  /** Appends a record that is committed only if no other node has led meanwhile. */
  async #confirmLeadership(pause: Pause): Promise<void> {
    if (this.#options.log.isSoleVoter) return;
    await this.#append([{ name: "NoOpRecord", value: {} }], pause);
  }

  async #append(records: readonly MetadataRecordInput[], pause: Pause): Promise<void> {
    const batch = await withPauses(this.#encode(records), pause);
    await this.#propose(batch, records.length, pause);
  }

  #encode(records: readonly MetadataRecordInput[]): Steps<Uint8Array> {
    const { epoch, now } = this.#options;
    return encodeBatchInSteps(records, { epoch, timestamp: now() });
  }

  async #propose(batch: Uint8Array, recordCount: number, pause: Pause): Promise<void> {
    const { epoch, log, state, onFault } = this.#options;
    this.#check();
    writeBaseOffset(batch, 0, log.endOffset);
    const position = log.propose(batch, recordCount);
    if (position === null || position.epoch !== epoch) throw notLeading();
    this.#lastOffset = position.offset + recordCount - 1;
    // To append may have been what ended the leadership.
    this.#check();
    try {
      // After the end of the leadership the batch may never be committed.
      await new Promise<void>((resolve, reject) => {
        this.#interrupt = reject;
        state.apply(batch, pause).then(resolve, reject);
      });
    } catch (error) {
      if (this.#end === null) onFault(error);
      throw this.#end ?? notLeading();
    } finally {
      this.#interrupt = null;
    }
  }

  #check(): void {
    if (this.#end !== null) throw this.#end;
  }
}

async function collect(
  records: Iterable<MetadataRecordInput>,
  pause: Pause,
): Promise<readonly MetadataRecordInput[]> {
  if (Array.isArray(records)) return records;
  const all: MetadataRecordInput[] = [];
  for (const record of records) {
    if (all.push(record) % 64 === 0) await pause();
  }
  return all;
}

function notLeading(): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_CONTROLLER,
    "Cannot change the metadata: this node is not the active controller any more, try again",
  );
}
