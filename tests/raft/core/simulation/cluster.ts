/**
 * A simulated quorum: replicas, the network between them, and a client that proposes records all the time.
 * One seed gives one run.
 *
 * @module
 */
import { assert } from "../../../../src/assert.ts";
import type { Effect } from "../../../../src/raft/core/effects.ts";
import type { SnapshotId } from "../../../../src/raft/core/epoch_log.ts";
import type { OwnAnswer, PeerAnswer, RaftRequest } from "../../../../src/raft/core/messages.ts";
import { DEFAULT_RAFT_TIMING, type RaftTiming } from "../../../../src/raft/core/timing.ts";
import { type Voter, type VoterEndpoint, VoterSet } from "../../../../src/raft/core/voter_set.ts";
import { ErrorCode, errorName } from "../../../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../../../src/protocol/uuid.ts";
import type { Address } from "../../../../src/runtime/runtime.ts";
import { Trace } from "../../../../src/simulator/trace.ts";
import { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { EventQueue } from "./event_queue.ts";
import { Invariants, Violation } from "./invariants.ts";
import { type DrawPurpose, Replica, type Surroundings } from "./replica.ts";
import { ReplicaClock } from "./replica_clock.ts";
import { type Batch, ReplicaDisk, type Snapshot } from "./replica_disk.ts";

const KEPT_LINES = 2_000;
/** So many bytes of `maxBytes` count as one batch. */
const BYTES_PER_BATCH = 100_000;
const SNAPSHOT_PART_BYTES = 40;
/** One `update-voter` request in so many is answered late, and others soon. */
const PROBE_TIMEOUT_MS = 500;

/** The size of a quorum. */
export interface ClusterShape {
  readonly voters: number;
  /** Nodes that can never vote. */
  readonly observers: number;
  /** Nodes that can be added to the voters. */
  readonly spares: number;
  readonly kraftVersion: 0 | 1;
  /** Whether clocks have different speeds. */
  readonly hasDrift: boolean;
  readonly timing?: Partial<RaftTiming>;
}

/** One run of a simulated quorum. */
export class Cluster implements Surroundings {
  now = 0;
  readonly timing: RaftTiming;
  readonly bootstrapServers: readonly Address[];
  readonly invariants: Invariants;
  readonly replicas: Replica[] = [];
  /** What was durable on disks that were replaced. */
  readonly replacedDisks: { readonly id: number; readonly disk: ReplicaDisk }[] = [];
  /** Whether the faults are over, and operators change nothing any more. */
  isHealed = false;
  /** The replicas that never return. */
  readonly lost = new Set<Replica>();
  readonly counts: Record<string, number> = {};
  readonly #trace = new Trace(KEPT_LINES);
  readonly #queue = new EventQueue();
  readonly #network: Xoshiro128;
  readonly #disks: Xoshiro128;
  readonly #client: Xoshiro128;
  /** How often each directed link is cut. */
  readonly #cuts = new Map<string, number>();
  readonly #snapshots = new Map<string, Snapshot>();
  #slowestMessageMs = 3;
  #lostMessagesPerMille = 0;
  #proposes = true;
  #proposalCount = 0;
  #events = 0;
  /** By port. */
  readonly #ports = new Map<number, Replica>();

  constructor(readonly seed: number, readonly shape: ClusterShape) {
    this.#network = this.random("network");
    this.#disks = this.random("disks");
    this.#client = this.random("client");
    const clocks = this.random("clocks");
    this.timing = {
      ...DEFAULT_RAFT_TIMING,
      fetchSnapshotMaxBytes: SNAPSHOT_PART_BYTES,
      ...shape.timing,
    };
    this.invariants = new Invariants(() => [...this.replicas, ...this.replacedDisks]);
    const { voters, spares, observers, kraftVersion } = shape;
    const controllers = voters + spares;
    const members: Voter[] = [];
    for (let id = 1; id <= voters; id++) {
      members.push({
        id,
        directoryId: kraftVersion === 0 ? ZERO_UUID : directoryOf(id, 0),
        endpoints: endpointsAt(id),
        kraftVersions: { min: 0, max: 1 },
      });
    }
    this.bootstrapServers = members.map(({ id }) => ({ host: "boot", port: id }));
    const set = new VoterSet(members);
    for (let id = 1; id <= controllers + observers; id++) {
      const knowsVoters = kraftVersion === 0 || id <= voters;
      const initial = { voters: knowsVoters ? set : new VoterSet([]), kraftVersion };
      const rate = shape.hasDrift ? (90 + clocks.below(21)) / 100 : 1;
      const clock = new ReplicaClock(clocks.below(1_000_000), rate);
      const canVote = id <= controllers;
      const replica = new Replica(
        this,
        id,
        canVote,
        new ReplicaDisk(directoryOf(id, 0), initial),
        clock,
      );
      if (canVote) this.placeAt(replica, id);
      this.replicas.push(replica);
    }
    this.#schedulePropose();
  }

  /** Returns a stream of random numbers of this seed. */
  random(label: string): Xoshiro128 {
    return new Xoshiro128(this.seed, `raft ${label}`);
  }

  get traceHash(): string {
    return this.#trace.hash;
  }

  get transcript(): readonly string[] {
    return this.#trace.transcript;
  }

  /** Number of events so far. */
  get events(): number {
    return this.#events;
  }

  /** The replicas that run. */
  get running(): Replica[] {
    return this.replicas.filter(({ core }) => core !== null);
  }

  /** The running leader with the highest epoch, or undefined. */
  get leader(): Replica | undefined {
    let newest: Replica | undefined;
    let epoch = -1;
    for (const replica of this.replicas) {
      const status = replica.core?.status;
      if (status?.role !== "leader" || status.epoch <= epoch) continue;
      newest = replica;
      epoch = status.epoch;
    }
    return newest;
  }

  byId(id: number): Replica {
    return this.replicas[id - 1]!;
  }

  /** Gives a node the endpoint that it announces from its next start on. It stays reachable at the old one. */
  placeAt(replica: Replica, port: number): void {
    replica.endpoints = endpointsAt(port);
    this.#ports.set(port, replica);
  }

  trace(line: string): void {
    this.#trace.add(`${this.now} ${line}`);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  draw(_replica: Replica, _purpose: DrawPurpose, bound: number): number {
    return this.#disks.below(bound);
  }

  /** Runs `event` of the world itself after a while. */
  after(delayMs: number, event: () => void): void {
    this.#queue.push(this.now + delayMs, event);
  }

  later(replica: Replica, delayMs: number, event: () => void): void {
    const { incarnation } = replica;
    const run = (): void => {
      if (replica.core === null || replica.incarnation !== incarnation) return;
      if (replica.pausedUntil > this.now) this.#queue.push(replica.pausedUntil, run);
      else event();
    };
    this.#queue.push(this.now + delayMs, run);
  }

  /** Runs until `isDone`, or until `limitMs` from now. Returns whether it was done. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (!isDone()) {
      const next = this.#queue.pop();
      if (next === undefined) return false;
      if (next.at > end) {
        this.#queue.push(next.at, next.run);
        this.now = end;
        return isDone();
      }
      this.now = next.at;
      this.#events++;
      next.run();
    }
    return true;
  }

  run(durationMs: number): void {
    this.runUntil(() => false, durationMs);
  }

  /** As {@linkcode Cluster.runUntil}, but the run fails if it is not done. */
  require(what: string, isDone: () => boolean, limitMs: number): void {
    if (this.runUntil(isDone, limitMs)) return;
    const states = this.replicas.map(({ id, core }) => {
      if (core === null) return `${id} is down`;
      const { role, epoch, leaderId, highWatermark, logEndOffset } = core.status;
      return `${id} ${role} epoch ${epoch} leader ${leaderId} ${highWatermark}/${logEndOffset}`;
    });
    throw new Violation(`${what} within ${limitMs} ms, but: ${states.join("; ")}`);
  }

  // Faults of the network.

  setNetwork(slowestMessageMs: number, lostMessagesPerMille: number): void {
    this.#slowestMessageMs = slowestMessageMs;
    this.#lostMessagesPerMille = lostMessagesPerMille;
  }

  cut(from: number, to: number): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
  }

  heal(from: number, to: number): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, Math.max(0, (this.#cuts.get(key) ?? 0) - 1));
  }

  healAll(): void {
    this.isHealed = true;
    this.#cuts.clear();
    this.setNetwork(3, 0);
  }

  #isCut(from: Replica, to: Replica): boolean {
    return (this.#cuts.get(`${from.id}>${to.id}`) ?? 0) > 0;
  }

  /** Delivers after the time that a message takes, unless it is lost. */
  #deliver(from: Replica, to: Replica, event: () => void): void {
    if (this.#isCut(from, to) || this.#network.below(1_000) < this.#lostMessagesPerMille) return;
    const delay = this.drawLatency(this.#slowestMessageMs);
    this.#queue.push(this.now + delay, () => {
      if (!this.#isCut(from, to)) event();
    });
  }

  /** Draws how long a message takes. */
  protected drawLatency(slowestMs: number): number {
    return this.#network.below(slowestMs + 1);
  }

  #nodeAt({ host, port }: Address): Replica {
    const node = host === "boot" ? this.byId(port) : this.#ports.get(port);
    assert(node !== undefined, `No node is at port ${port}`);
    return node;
  }

  send(
    from: Replica,
    { correlationId, to: { address }, request }: Effect & { type: "send" },
  ): void {
    const to = this.#nodeAt(address);
    this.trace(`${from.id} > ${to.id} ${describeRequest(request)}`);
    const { incarnation } = from;
    const receive = (
      answer: PeerAnswer | { type: "failure"; reason: "refused" | "disconnected" },
    ) => {
      if (from.incarnation !== incarnation) return;
      // A process that is paused reads its answers when it goes on.
      this.later(from, 0, () => from.answered(correlationId, answer));
    };
    const fail = (reason: "refused" | "disconnected") =>
      this.#deliver(to, from, () => receive({ type: "failure", reason }));
    this.#deliver(from, to, () => {
      if (to.core === null) {
        if (!to.isMachineGone) fail("refused");
        return;
      }
      this.later(to, 0, () => {
        to.request(request, (answer) => {
          const complete = this.#complete(to, answer);
          this.trace(`${from.id} < ${to.id} ${describeAnswer(answer)}`);
          this.#deliver(to, from, () => receive(complete));
        }, () => {
          if (!to.isMachineGone) fail("disconnected");
        });
      });
    });
  }

  /** Reads the records or the part of a snapshot that an answer names. */
  #complete({ disk }: Replica, answer: OwnAnswer): PeerAnswer {
    switch (answer.type) {
      case "fetch": {
        const { read, ...outcome } = answer;
        let batches: Batch[] = [];
        if (read !== null && read.offset >= disk.startOffset) {
          const first = disk.indexOf(read.offset);
          const count = Math.max(1, Math.floor(read.maxBytes / BYTES_PER_BATCH));
          batches = disk.batches.slice(first, first + count);
        }
        this.invariants.served(batches);
        return { ...outcome, batches };
      }
      case "fetch-snapshot": {
        const { read, ...outcome } = answer;
        const empty = { size: 0, position: 0, bytes: new Uint8Array() };
        if (read === null) return { ...outcome, ...empty };
        const snapshot = disk.snapshots.find(({ id }) =>
          id.endOffset === answer.id.endOffset && id.epoch === answer.id.epoch
        );
        if (snapshot === undefined) {
          return { ...outcome, ...empty, errorCode: ErrorCode.SNAPSHOT_NOT_FOUND };
        }
        const { position, maxBytes } = read;
        const bytes = snapshot.bytes.slice(position, position + maxBytes);
        return { ...outcome, size: snapshot.bytes.length, position, bytes };
      }
      case "add-voter":
      case "remove-voter":
        throw new Error("A replica sent a request of an operator");
      case "update-voter":
        return { ...answer, type: "update-voter" };
      default:
        return answer;
    }
  }

  probe(from: Replica, { token, voter, address }: Effect & { type: "probe" }): void {
    const to = this.#nodeAt(address);
    let isAnswered = false;
    const answer = (supported: { min: number; max: number } | null): void => {
      if (isAnswered) return;
      isAnswered = true;
      from.probed(token, supported);
    };
    this.later(from, PROBE_TIMEOUT_MS, () => answer(null));
    if (to.directoryId !== voter.directoryId) return;
    this.#deliver(from, to, () => {
      if (to.core === null) return;
      this.#deliver(to, from, () => this.later(from, 0, () => answer({ min: 0, max: 1 })));
    });
  }

  /** Sends a request of an operator to `to`. Its answer is only counted. */
  operate(to: Replica, request: RaftRequest): void {
    if (this.isHealed || to.core === null || to.pausedUntil > this.now) return;
    this.trace(`operator > ${to.id} ${request.type}`);
    to.request(request, (answer) => {
      this.trace(`operator < ${to.id} ${answer.type} ${errorName(answer.errorCode)}`);
      this.count(`${answer.type} ${answer.errorCode === ErrorCode.NONE ? "done" : "refused"}`);
    });
  }

  snapshotOf(replica: Replica, id: SnapshotId): Snapshot {
    const key = nameOf(id);
    const known = this.#snapshots.get(key);
    const { voters, kraftVersion } = replica.core!.votersBefore(id.endOffset);
    if (known !== undefined) {
      const isSame = known.kraftVersion === kraftVersion &&
        (known.voters === null || known.voters.equals(voters));
      if (!isSame) throw new Violation(`${replica.id} has other voters in snapshot ${key}`);
      return known;
    }
    const random = this.random(`snapshot ${key}`);
    const bytes = random.fill(new Uint8Array(1 + random.below(3 * SNAPSHOT_PART_BYTES)));
    const snapshot = { id, voters: kraftVersion === 0 ? null : voters, kraftVersion, bytes };
    this.#snapshots.set(key, snapshot);
    return snapshot;
  }

  snapshotById(id: SnapshotId): Snapshot {
    const snapshot = this.#snapshots.get(nameOf(id));
    if (snapshot === undefined) throw new Violation(`There is no snapshot ${nameOf(id)}`);
    return snapshot;
  }

  // The client.

  stopProposing(): void {
    this.#proposes = false;
  }

  startProposing(): void {
    if (this.#proposes) return;
    this.#proposes = true;
    this.#schedulePropose();
  }

  #schedulePropose(): void {
    this.after(1 + this.#client.below(40), () => {
      if (!this.#proposes) return;
      // Also to a leader that is cut off and does not know it.
      const leaders = this.running.filter(({ core }) => core!.status.role === "leader");
      if (leaders.length > 0) {
        const leader = leaders[this.#client.below(leaders.length)]!;
        for (let count = 1 + this.#client.below(3); count > 0; count--) {
          const payload = new Uint8Array([this.#proposalCount & 255]);
          if (leader.propose(payload, 1 + this.#client.below(3))) this.#proposalCount++;
        }
      }
      this.#schedulePropose();
    });
  }
}

/** Returns the id of the directory that a node has after its disk was replaced `replacements` times. */
export function directoryOf(id: number, replacements: number): string {
  return `directory-${id}.${replacements}`;
}

function endpointsAt(port: number): VoterEndpoint[] {
  return [{ name: "CONTROLLER", host: "host", port }];
}

function nameOf({ endOffset, epoch }: SnapshotId): string {
  return `${endOffset}-${epoch}`;
}

function describeRequest(request: RaftRequest): string {
  switch (request.type) {
    case "vote":
      return `${request.isPreVote ? "pre-vote" : "vote"} ${request.epoch} log ` +
        `${request.endOffset}-${request.lastEpoch}`;
    case "fetch":
      return `fetch ${request.epoch} at ${request.offset}-${request.lastEpoch}`;
    case "fetch-snapshot":
      return `fetch-snapshot ${request.epoch} ${nameOf(request.id)} at ${request.position}`;
    case "add-voter":
    case "remove-voter":
      return request.type;
    default:
      return `${request.type} ${request.epoch}`;
  }
}

function describeAnswer(answer: OwnAnswer): string {
  const { type, errorCode, leader } = answer;
  const words = [`${type} ${leader.epoch}/${leader.leaderId}`];
  if (errorCode !== ErrorCode.NONE) words.push(errorName(errorCode));
  if (answer.type === "vote") words.push(answer.isGranted ? "granted" : "rejected");
  if (answer.type === "fetch") {
    words.push(`hw ${answer.highWatermark}`);
    const { diverging, snapshotId } = answer;
    if (diverging !== null) words.push(`diverging ${nameOf(diverging)}`);
    if (snapshotId !== null) words.push(`snapshot ${nameOf(snapshotId)}`);
  }
  return words.join(" ");
}
