/**
 * A simulated replica: the core, and a shell that executes its effects on a disk and a network, both of
 * which take their time.
 *
 * @module
 */
import { assert } from "../../../../src/assert.ts";
import { RaftCore } from "../../../../src/raft/core/core.ts";
import type { DurableState, Effect } from "../../../../src/raft/core/effects.ts";
import type { SnapshotId } from "../../../../src/raft/core/epoch_log.ts";
import type {
  OwnAnswer,
  PeerAnswer,
  RaftRequest,
  RequestFailure,
} from "../../../../src/raft/core/messages.ts";
import type { RaftTiming } from "../../../../src/raft/core/timing.ts";
import type { VoterEndpoint } from "../../../../src/raft/core/voter_set.ts";
import type { Address } from "../../../../src/runtime/runtime.ts";
import type { Invariants } from "./invariants.ts";
import type { ReplicaClock } from "./replica_clock.ts";
import type { Batch, ReplicaDisk, Snapshot } from "./replica_disk.ts";

/** What a number is drawn for: a timer of the core, the duration of a write, what survives a crash. */
export type DrawPurpose = "timer" | "write" | "survival" | "snapshot" | "state";

/** The rest of the world, as a replica needs it. */
export interface Surroundings {
  readonly now: number;
  readonly timing: RaftTiming;
  readonly bootstrapServers: readonly Address[];
  readonly invariants: Invariants;
  /** Runs `event` after a while, unless the replica has ended by then; later if it is paused. */
  later(replica: Replica, delayMs: number, event: () => void): void;
  /** Draws a number below `bound` for a purpose. */
  draw(replica: Replica, purpose: DrawPurpose, bound: number): number;
  send(from: Replica, effect: Effect & { type: "send" }): void;
  probe(from: Replica, effect: Effect & { type: "probe" }): void;
  trace(line: string): void;
  count(what: string): void;
  snapshotOf(replica: Replica, id: SnapshotId): Snapshot;
  snapshotById(id: SnapshotId): Snapshot;
}

/** A proposal that is not known to be committed. */
interface Proposal {
  readonly epoch: number;
  readonly batch: Batch;
}

interface TakenRequest {
  readonly request: RaftRequest;
  readonly onAnswer: (answer: OwnAnswer) => void;
  readonly onLost: () => void;
}

/** One replica, which may be down. */
export class Replica {
  core: RaftCore | null = null;
  /** Which life of the process this is. */
  incarnation = 0;
  pausedUntil = 0;
  /** Longest duration of a write to the disk. */
  slowestWriteMs = 2;
  /** Whether its machine is gone, so that connections are not refused but unanswered. */
  isMachineGone = false;
  endpoints: readonly VoterEndpoint[] = [];
  /** The high watermark that this process knows. */
  highWatermark = -1;
  readonly proposals: Proposal[] = [];
  #savedSequence = 0;
  #saves: { readonly sequence: number; readonly state: DurableState }[] = [];
  #isSaving = false;
  /** The end of the log that is being flushed, or -1. */
  #flushing = -1;
  #held: { readonly requires: number; readonly run: () => void }[] = [];
  /** The requests that are not answered. */
  readonly #requests = new Map<number, TakenRequest>();
  #nextToken = 0;
  #tickAt = Infinity;
  #part: { readonly id: SnapshotId; readonly bytes: number[] } | null = null;
  /** The snapshot that is published and not installed. */
  #published: Snapshot | null = null;

  constructor(
    readonly world: Surroundings,
    readonly id: number,
    readonly canVote: boolean,
    public disk: ReplicaDisk,
    readonly clock: ReplicaClock,
  ) {}

  get directoryId(): string {
    return this.disk.directoryId;
  }

  /** The state that is about to be saved, or the durable one. */
  get hasUnsavedState(): boolean {
    return this.#saves.length > 0;
  }

  start(): void {
    assert(this.core === null, `Replica ${this.id} runs already`);
    this.incarnation++;
    this.isMachineGone = false;
    this.pausedUntil = 0;
    this.highWatermark = -1;
    const { world, id, directoryId, endpoints, canVote } = this;
    this.core = new RaftCore({
      self: { id, directoryId, endpoints, canVote, kraftVersions: { min: 0, max: 1 } },
      environment: {
        timing: world.timing,
        below: (bound) => world.draw(this, "timer", bound),
        bootstrapServers: world.bootstrapServers,
      },
      ...this.disk.open(),
    });
    world.trace(`${id} starts`);
    world.invariants.started(this);
    this.step((core, now) => core.start(now));
  }

  /** Ends the process. What is not durable may be lost. */
  kill(): void {
    if (this.core === null) return;
    const { world, disk } = this;
    this.core = null;
    // The state that was being written may have reached the disk.
    const written = this.#saves.slice(0, world.draw(this, "survival", this.#saves.length + 1)).at(
      -1,
    );
    if (written !== undefined) this.#storeState(written.state);
    const lostBatches = disk.crash((bound) => world.draw(this, "survival", bound));
    if (lostBatches > 0) world.count("unsynced batches lost");
    world.trace(`${this.id} ends, loses ${lostBatches}, log ${disk.startOffset}-${disk.endOffset}`);
    world.invariants.crashed(this);
    const lost = [...this.#requests.values()];
    this.#requests.clear();
    for (const { onLost } of lost) onLost();
    this.proposals.length = 0;
    this.#savedSequence = 0;
    this.#saves = [];
    this.#isSaving = false;
    this.#flushing = -1;
    this.#held = [];
    this.#tickAt = Infinity;
    this.#part = null;
    this.#published = null;
  }

  /** Takes a request. `onAnswer` is called at most once, or `onLost` if the process ends before. */
  request(
    request: RaftRequest,
    onAnswer: (answer: OwnAnswer) => void,
    onLost: () => void = () => {},
  ): void {
    const token = this.#nextToken++;
    this.#requests.set(token, { request, onAnswer, onLost });
    this.step((core, now) => core.request(request, token, now));
  }

  answered(correlationId: number, answer: PeerAnswer | RequestFailure): void {
    this.step((core, now) => core.answered(correlationId, answer, now));
  }

  probed(token: number, supported: { min: number; max: number } | null): void {
    this.step((core, now) => core.probed(token, supported, now));
  }

  /** Proposes a batch. Returns whether this replica leads and is active. */
  propose(payload: Uint8Array, recordCount: number): boolean {
    const { core, clock, world } = this;
    if (core === null || world.now < this.pausedUntil) return false;
    const { position, effects } = core.propose(payload, recordCount, clock.read(world.now));
    if (position === null) return false;
    const first = effects[0];
    assert(
      first?.type === "append" && first.baseOffset === position.offset &&
        first.epoch === position.epoch,
      "A proposal is not appended first",
    );
    this.#append({
      baseOffset: position.offset,
      lastOffset: position.offset + recordCount - 1,
      epoch: position.epoch,
      control: [],
      bytes: payload,
    });
    this.proposals.push({ epoch: position.epoch, batch: this.disk.batches.at(-1)! });
    this.#execute(effects.slice(1));
    this.#afterStep();
    return true;
  }

  /** Writes a snapshot of some of the committed records. Returns whether there was anything new. */
  writeSnapshot(): boolean {
    const { core, disk, world } = this;
    if (core === null) return false;
    const { highWatermark } = core.status;
    const least = disk.latestSnapshot?.id.endOffset ?? 0;
    const ends = disk.batches.map(({ lastOffset }) => lastOffset + 1)
      .filter((end) => end > least && end <= highWatermark);
    if (ends.length === 0) return false;
    const snapshot = world.snapshotOf(
      this,
      core.snapshotIdAt(ends[world.draw(this, "snapshot", ends.length)]!),
    );
    disk.snapshots.push(snapshot);
    world.trace(`${this.id} has snapshot ${snapshot.id.endOffset}-${snapshot.id.epoch}`);
    this.step((running, now) => running.snapshotWritten(snapshot.id, now));
    return true;
  }

  /** Removes the records before one of the snapshots. */
  cutLog(): boolean {
    const { core, disk, world } = this;
    if (core === null) return false;
    // One that is published and not installed is not known to the core.
    const ids = disk.snapshots.filter((one) => one !== this.#published)
      .map(({ id }) => id)
      .filter(({ endOffset }) => endOffset > disk.startOffset);
    if (ids.length === 0) return false;
    const id = ids[world.draw(this, "snapshot", ids.length)]!;
    disk.cut(id);
    world.trace(`${this.id} cuts its log at ${id.endOffset}`);
    this.step((running, now) => running.logCut(id, now));
    return true;
  }

  /** Runs one event of the core and executes its effects. */
  step(event: (core: RaftCore, now: number) => Effect[]): void {
    const { core, clock, world } = this;
    if (core === null) return;
    this.#execute(event(core, clock.read(world.now)));
    this.#afterStep();
  }

  #afterStep(): void {
    const { core, world } = this;
    if (core === null) return;
    world.invariants.stepped(this, core);
    const { wakeAt } = core;
    if (wakeAt === Infinity) {
      this.#tickAt = Infinity;
      return;
    }
    const at = Math.max(world.now, this.clock.timeOf(wakeAt));
    if (at === this.#tickAt) return;
    this.#tickAt = at;
    this.#scheduleTick(at);
  }

  #scheduleTick(at: number): void {
    this.world.later(this, at - this.world.now, () => {
      if (this.#tickAt !== at) return;
      this.#tickAt = Infinity;
      this.step((core, now) => core.tick(now));
    });
  }

  /** After a jump of the clock, timers are due earlier. */
  jumpClock(byMs: number): void {
    this.clock.jump(byMs);
    this.#tickAt = Infinity;
    if (this.core !== null) this.step((core, now) => core.tick(now));
  }

  #execute(effects: readonly Effect[]): void {
    for (const effect of effects) this.#executeOne(effect);
  }

  #executeOne(effect: Effect): void {
    const { world, disk, id } = this;
    switch (effect.type) {
      case "save":
        this.#saves.push(effect);
        this.#save();
        return;
      case "append":
        throw new Error("A batch was appended without a proposal");
      case "append-control": {
        const { baseOffset, epoch, records } = effect;
        const lastOffset = baseOffset + records.length - 1;
        const bytes = new Uint8Array();
        world.trace(`${id} appends ${records.map(({ type }) => type).join()} at ${baseOffset}`);
        this.#append({ baseOffset, lastOffset, epoch, control: records, bytes });
        return;
      }
      case "append-fetched":
        for (const batch of effect.batches) this.#append(batch);
        return;
      case "truncate": {
        const removed = disk.truncate(effect.endOffset);
        if (this.#flushing > effect.endOffset) this.#flushing = effect.endOffset;
        world.count("truncations");
        world.trace(`${id} truncates to ${effect.endOffset}`);
        world.invariants.truncated(this, effect.endOffset, removed);
        return;
      }
      case "truncate-fully": {
        const snapshot = world.snapshotById(effect.id);
        world.invariants.replaced(this, effect.id);
        if (this.#flushing >= 0) this.#flushing = effect.id.endOffset;
        disk.replaceBy(snapshot);
        world.count("snapshots installed");
        world.trace(`${id} begins anew at ${effect.id.endOffset}`);
        return;
      }
      case "write-snapshot": {
        if (effect.position === 0) this.#part = { id: effect.id, bytes: [] };
        const part = this.#part;
        assert(
          part !== null && part.bytes.length === effect.position &&
            part.id.endOffset === effect.id.endOffset,
          `A part of a snapshot at ${effect.position} after ${part?.bytes.length}`,
        );
        part.bytes.push(...effect.bytes);
        return;
      }
      case "publish-snapshot":
        return this.#publish(effect.id);
      case "send":
        return this.#hold(effect.requires, () => {
          world.invariants.sent(this, effect.request);
          world.send(this, effect);
        });
      case "answer":
        return this.#hold(effect.requires, () => this.#answer(effect.token, effect.answer));
      case "probe":
        return world.probe(this, effect);
      case "committed":
        return this.#committed(effect.offset);
      case "leader":
        world.trace(`${id} epoch ${effect.epoch} leader ${effect.leaderId}`);
        return;
      case "active":
        world.trace(`${id} is active in epoch ${effect.epoch}`);
        world.invariants.activated(this, effect.epoch, effect.startOffset);
        world.count("elections");
        return;
      case "inactive":
        world.trace(`${id} is inactive in epoch ${effect.epoch}`);
        this.proposals.length = 0;
        return;
      case "voters":
        world.trace(`${id} has voters ${effect.voters.map((voter) => voter.id).join()}`);
        return;
      case "notice":
        return;
    }
  }

  #append(batch: Batch): void {
    this.disk.append(batch);
    this.world.invariants.appended(this, batch);
    this.#flush();
  }

  #flush(): void {
    const { disk, world } = this;
    if (this.#flushing >= 0 || disk.durableEnd >= disk.endOffset) return;
    this.#flushing = disk.endOffset;
    world.later(this, world.draw(this, "write", this.slowestWriteMs + 1), () => {
      const end = Math.min(this.#flushing, disk.endOffset);
      this.#flushing = -1;
      if (end > disk.durableEnd) {
        disk.durableEnd = end;
        world.invariants.flushed(this);
      }
      this.#flush();
      this.step((core, now) => core.persisted(disk.durableEnd, now));
    });
  }

  #save(): void {
    if (this.#isSaving || this.#saves.length === 0) return;
    this.#isSaving = true;
    const { world } = this;
    // Later states may be saved in place of earlier ones.
    const taken = world.draw(this, "state", 2) === 0 ? 1 : this.#saves.length;
    world.later(this, world.draw(this, "write", this.slowestWriteMs + 1), () => {
      const saved = this.#saves.splice(0, taken).at(-1)!;
      this.#isSaving = false;
      this.#storeState(saved.state);
      this.#savedSequence = saved.sequence;
      this.#save();
      this.#release();
      this.step((core, now) => core.saved(saved.sequence, now));
    });
  }

  #storeState(state: DurableState): void {
    const before = this.disk.state;
    this.disk.state = state;
    this.world.invariants.saved(this, before, state);
  }

  #hold(requires: number, run: () => void): void {
    // In their order, and none before the one that was held first.
    if (this.#held.length === 0 && requires <= this.#savedSequence) run();
    else this.#held.push({ requires, run });
  }

  #release(): void {
    while (this.#held.length > 0 && this.#held[0]!.requires <= this.#savedSequence) {
      this.#held.shift()!.run();
    }
  }

  #answer(token: number, answer: OwnAnswer): void {
    const taken = this.#requests.get(token);
    assert(taken !== undefined, `Request ${token} is answered twice`);
    this.#requests.delete(token);
    this.world.invariants.answered(this, taken.request, answer);
    taken.onAnswer(answer);
  }

  #publish(id: SnapshotId): void {
    const { world, disk } = this;
    const part = this.#part;
    this.#part = null;
    const snapshot = world.snapshotById(id);
    assert(
      part !== null && part.bytes.length === snapshot.bytes.length &&
        part.bytes.every((byte, index) => byte === snapshot.bytes[index]),
      `Snapshot ${nameOf(id)} is not what the leader has`,
    );
    world.later(this, world.draw(this, "write", this.slowestWriteMs + 1), () => {
      if (world.draw(this, "state", 10) === 0) {
        this.step((core, now) => core.snapshotRejected(id, "it is damaged", now));
        return;
      }
      const isNew = (disk.latestSnapshot?.id.endOffset ?? 0) < id.endOffset;
      if (!isNew) return this.step((core, now) => core.snapshotRejected(id, "it is old", now));
      disk.snapshots.push(snapshot);
      this.#published = snapshot;
      world.later(this, world.draw(this, "write", this.slowestWriteMs + 1), () => {
        this.#published = null;
        const { voters, kraftVersion } = snapshot;
        this.step((core, now) => core.snapshotFetched(id, { voters, kraftVersion }, now));
        // The role has changed in the meantime, and the log was not replaced.
        if (disk.startOffset !== id.endOffset) {
          disk.snapshots = disk.snapshots.filter((one) => one !== snapshot);
        }
      });
    });
  }

  #committed(offset: number): void {
    const { core, world } = this;
    if (core === null) return;
    world.invariants.committed(this, core, offset);
    this.highWatermark = offset;
    while (this.proposals.length > 0 && this.proposals[0]!.batch.lastOffset < offset) {
      world.invariants.acknowledged(this.proposals.shift()!.batch);
      world.count("acknowledged");
    }
  }
}

function nameOf({ endOffset, epoch }: SnapshotId): string {
  return `${endOffset}-${epoch}`;
}
