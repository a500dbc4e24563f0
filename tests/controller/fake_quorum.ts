/**
 * A quorum under the control of a test: a log in memory, of which the test commits as much as it wants, and
 * the loader of what is committed.
 *
 * @module
 */
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { Controller, type ControllerQuorum } from "../../src/controller/controller.ts";
import type { LogLevel } from "../../src/logger.ts";
import { MetadataLoader } from "../../src/metadata/loader.ts";
import { encodeBatchInSteps } from "../../src/metadata/record_batches.ts";
import {
  decodeMetadataRecord,
  type MetadataRecordInput,
} from "../../src/metadata/records/metadata_record.ts";
import { readRecords, splitBatches } from "../../src/protocol/records/batch.ts";
import { atOnce, NO_PAUSE, type Pause } from "../../src/protocol/records/compression/steps.ts";
import { encodeControlBatch } from "../../src/raft/storage/control_batches.ts";
import { turnOfLoop } from "../../src/runtime/host_clock.ts";
import { TestClock, TestRandom } from "../groups/test_clock.ts";

/** A batch of the log. */
interface LogBatch {
  readonly bytes: Uint8Array;
  readonly endOffset: number;
  readonly isControl: boolean;
}

/** How a {@linkcode FakeQuorum} begins. */
export interface FakeQuorumOptions {
  readonly isSoleVoter?: boolean;
  readonly hasFollowers?: boolean;
  /** The settings of the controller. */
  readonly settings?: Record<string, string>;
  readonly bootstrapRecords?: readonly MetadataRecordInput[];
  /** The log of an earlier process. */
  readonly log?: readonly LogBatch[];
  readonly newPause?: () => Pause;
}

/** A quorum with the controller of its node 1. */
export class FakeQuorum implements ControllerQuorum {
  readonly clock = new TestClock();
  readonly messages: string[] = [];
  readonly loader: MetadataLoader;
  readonly config: BrokerConfig;
  readonly controller: Controller;
  readonly log: LogBatch[];
  isSoleVoter: boolean;
  hasFollowers: boolean;
  kraftVersion = 0;
  leaderId = -1;
  /** Commits what is proposed, as the log of a sole voter does once it is flushed. */
  commitsAtOnce = true;
  /** Called instead of an append, to let the leadership end in it. */
  onPropose: (() => void) | null = null;
  resignations = 0;
  upgradeRefusal: Error | null = null;
  #epoch = 0;
  #isLeading = false;
  #committed = 0;
  #loaded: Promise<void> = Promise.resolve();

  constructor(options: FakeQuorumOptions = {}) {
    const { settings = {}, log = [], newPause = () => NO_PAUSE } = options;
    const logger = {
      log: (level: LogLevel, text: string) => void this.messages.push(`${level}: ${text}`),
    };
    this.isSoleVoter = options.isSoleVoter ?? false;
    this.hasFollowers = options.hasFollowers ?? false;
    this.config = new BrokerConfig(settings);
    this.log = [...log];
    this.loader = new MetadataLoader({ logger, newPause, nowMs: 0 });
    this.controller = new Controller({
      runtime: { clock: this.clock, random: new TestRandom() },
      config: this.config,
      logger,
      clusterId: "cluster",
      loader: this.loader,
      quorum: this,
      bootstrapRecords: options.bootstrapRecords ?? [],
    });
  }

  get endOffset(): number {
    return this.log.at(-1)?.endOffset ?? 0;
  }

  propose(bytes: Uint8Array, recordCount: number): { offset: number; epoch: number } | null {
    this.onPropose?.();
    if (!this.#isLeading) return null;
    const offset = this.endOffset;
    this.#append(bytes, recordCount, false);
    if (this.commitsAtOnce) queueMicrotask(() => this.commit());
    return { offset, epoch: this.#epoch };
  }

  upgradeKRaftVersion(): void {
    if (this.upgradeRefusal !== null) throw this.upgradeRefusal;
    this.kraftVersion = 1;
    this.appendControl();
  }

  resign(): void {
    this.resignations++;
    this.lose();
  }

  /** Appends a control batch, as the quorum does. */
  appendControl(): void {
    const baseOffset = this.endOffset;
    this.#append(
      encodeControlBatch(
        [{ type: "leader-change", leaderId: 1, voterIds: [1], grantingVoterIds: [1] }],
        { baseOffset, leaderEpoch: this.#epoch, timestampMs: this.clock.now() },
      ),
      1,
      true,
    );
  }

  /** Makes this node the leader of the next epoch. What is in the log is committed by that. */
  lead(): void {
    this.#epoch++;
    this.#isLeading = true;
    this.leaderId = 1;
    const startOffset = this.endOffset;
    this.appendControl();
    this.commit();
    this.controller.onActive(this.#epoch, startOffset);
  }

  /** Ends the leadership. What is not committed is lost. */
  lose(leaderId = -1): void {
    if (!this.#isLeading) return;
    this.#isLeading = false;
    this.leaderId = leaderId;
    while (this.endOffset > this.#committed) this.log.pop();
    this.controller.onInactive(this.#epoch);
  }

  /** Commits all that was appended and loads it. */
  commit(): void {
    const news = this.log.filter(({ endOffset }) => endOffset > this.#committed);
    if (news.length === 0) return;
    this.#committed = this.endOffset;
    this.controller.onCommitted(this.#committed);
    for (const { bytes } of news) this.#loaded = this.loader.load(bytes);
    // A test that breaks the loader sees that by itself.
    this.#loaded.catch(() => {});
  }

  /** Ends the leadership and all work. */
  async close(): Promise<void> {
    this.lose();
    await this.controller.settled();
    await this.loader.close(new Error("closed"));
  }

  /** Resolves with `answer`, while the time passes for work in slices. */
  async complete<Result>(answer: Promise<Result>): Promise<Result> {
    let isDone = false;
    answer.catch(() => {}).then(() => isDone = true);
    while (!isDone) {
      await turnOfLoop();
      this.clock.advance(1);
    }
    return await answer;
  }

  /** Returns the metadata records of the log. */
  records(): MetadataRecordInput[] {
    return this.log.filter(({ isControl }) => !isControl).flatMap(({ bytes }) =>
      [...splitBatches(bytes)].flatMap(({ start }) =>
        [...readRecords(bytes, start)].map(({ value }) => decodeMetadataRecord(value!))
      )
    );
  }

  /** Returns the names of the metadata records of the log from `offset` on. */
  names(from = 0): string[] {
    return this.records().slice(from).map(({ name }) => name);
  }

  #append(bytes: Uint8Array, recordCount: number, isControl: boolean): void {
    this.log.push({ bytes: bytes.slice(), endOffset: this.endOffset + recordCount, isControl });
  }
}

/** Resolves when all promises have settled that need no timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await turnOfLoop();
}

/** Returns how a promise stands: "pending", "resolved", or the error's message. */
export async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "pending";
  promise.then(() => state = "resolved", (error) => state = (error as Error).message);
  await settled();
  return state;
}

/** Returns a batch of the log. */
export function batchOf(
  records: readonly MetadataRecordInput[],
  { baseOffset = 0 } = {},
): LogBatch {
  const options = { epoch: 0, timestamp: 1, baseOffset };
  const bytes = atOnce(encodeBatchInSteps(records, options));
  return { bytes, endOffset: baseOffset + records.length, isControl: false };
}
