/**
 * What must hold after every event of the quorum, on what is durable.
 *
 * @module
 */
import type { RaftCore } from "../../../../src/raft/core/core.ts";
import type { DurableState } from "../../../../src/raft/core/effects.ts";
import type { SnapshotId } from "../../../../src/raft/core/epoch_log.ts";
import type { OwnAnswer, PeerRequest, RaftRequest } from "../../../../src/raft/core/messages.ts";
import {
  isSameReplica,
  type ReplicaKey,
  type Voter,
  type VoterSet,
} from "../../../../src/raft/core/voter_set.ts";
import type { Replica } from "./replica.ts";
import type { Batch, ReplicaDisk } from "./replica_disk.ts";

/** A violated invariant. */
export class Violation extends Error {
  override readonly name = "Violation";
}

function check(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}

/** Checks the invariants, and knows all that was ever seen. The methods are named after what has happened. */
export class Invariants {
  /** All committed batches, by base offset. */
  readonly #committed = new Map<number, Batch>();
  /** In which epoch a batch was committed. */
  readonly #committedIn = new Map<Batch, number>();
  #committedEnd = 0;
  readonly #leaders = new Map<number, number>();
  readonly #votes = new Map<string, ReplicaKey>();
  readonly #active = new Map<number, string>();
  /** The batches that were durable or sent, by offset and epoch: there is one of each. */
  readonly #visible = new Map<string, Batch>();
  readonly #previous = new Map<Batch, Batch>();
  /** At which high watermark the voters of a leader were compared with its log. */
  readonly #checkedVoters = new Map<Replica, number>();
  readonly #leading = new Map<Replica, number>();
  #newest:
    | { readonly replica: Replica; readonly epoch: number; readonly incarnation: number }
    | null = null;
  #acknowledged = 0;

  /** Returns the disks of all replicas, those that are down too. */
  constructor(
    readonly disks: () => Iterable<{ readonly id: number; readonly disk: ReplicaDisk }>,
  ) {}

  get committedEnd(): number {
    return this.#committedEnd;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged;
  }

  started(replica: Replica): void {
    this.#leading.delete(replica);
  }

  crashed({ disk }: Replica): void {
    this.#see(disk);
  }

  flushed({ disk }: Replica): void {
    this.#see(disk);
  }

  /** A durable state has replaced another. */
  saved(replica: Replica, before: DurableState | null, state: DurableState): void {
    const { id, directoryId } = replica;
    const { epoch, leaderId, voted } = state;
    if (before !== null) {
      check(epoch >= before.epoch, () => `${id} saves epoch ${epoch} after ${before.epoch}`);
      if (epoch === before.epoch) {
        check(
          before.leaderId < 0 || before.leaderId === leaderId,
          () => `${id} saves leader ${leaderId} of epoch ${epoch} after ${before.leaderId}`,
        );
        check(
          before.voted === null || voted !== null,
          () => `${id} forgets its vote in epoch ${epoch}`,
        );
      }
    }
    if (leaderId >= 0) this.#leads(leaderId, epoch);
    if (voted !== null) this.#castVote(epoch, { id, directoryId }, voted);
  }

  appended(replica: Replica, batch: Batch): void {
    const known = this.#visible.get(keyOf(batch));
    check(
      known === undefined || known === batch,
      () => `${replica.id} has a second record ${keyOf(batch)}`,
    );
    this.#checkVoterChange(replica, batch);
    const previous = replica.disk.batches.at(-2);
    if (previous === undefined) return;
    const other = this.#previous.get(batch);
    if (other === undefined) this.#previous.set(batch, previous);
    check(
      other === undefined || other === previous,
      () => `${replica.id} has ${keyOf(batch)} after other records than the leader`,
    );
  }

  /** The voters change only when the change before is committed, so that majorities overlap. */
  #checkVoterChange({ id, disk }: Replica, batch: Batch): void {
    const [first] = batch.control;
    if (first === undefined || first.type === "leader-change") return;
    const before = disk.batches.findLast(({ control }, index) =>
      index < disk.batches.length - 1 && control.some(({ type }) => type === "voters")
    );
    if (before === undefined || disk.batches.at(-1) !== batch || this.#previous.has(batch)) return;
    check(
      before.lastOffset < this.#committedEnd,
      () => `${id} changes voters at ${keyOf(batch)} before ${keyOf(before)} is committed`,
    );
  }

  truncated(replica: Replica, endOffset: number, removed: readonly Batch[]): void {
    check(
      endOffset >= replica.highWatermark,
      () => `${replica.id} truncates to ${endOffset}, committed are ${replica.highWatermark}`,
    );
    this.#loses(replica, removed);
  }

  /** The log is about to be replaced by a snapshot. */
  replaced(replica: Replica, { endOffset }: SnapshotId): void {
    check(!this.#leading.has(replica), () => `${replica.id} leads and loads a snapshot`);
    check(endOffset <= this.#committedEnd, () => `Snapshot ${endOffset} is not committed`);
    const { disk } = replica;
    this.#loses(replica, disk.batches.slice(disk.indexOf(endOffset)));
  }

  /** A request leaves. */
  sent(replica: Replica, request: PeerRequest): void {
    const { id, disk } = replica;
    const durable = disk.state ?? { epoch: 0, leaderId: -1, voted: null };
    check(
      request.epoch <= durable.epoch,
      () => `${id} sends ${request.type} of epoch ${request.epoch}, durable is ${durable.epoch}`,
    );
    const isDurableEpoch = request.epoch === durable.epoch;
    if (request.type === "vote" && !request.isPreVote && isDurableEpoch) {
      const isOwn = durable.voted?.id === id && durable.voted.directoryId === disk.directoryId;
      check(isOwn, () => `${id} asks for votes before its own is durable`);
    }
    if (request.type === "vote") this.#checkVoter(replica);
    if (request.type === "begin-quorum-epoch" && isDurableEpoch) {
      check(durable.leaderId === id, () => `${id} announces itself before that is durable`);
    }
    if (request.type === "fetch" && replica.canVote) {
      const { offset } = request;
      check(
        offset <= disk.durableEnd || offset > disk.endOffset,
        () => `${id} acknowledges ${offset}, durable are ${disk.durableEnd}`,
      );
    }
  }

  /** An answer leaves. */
  answered(replica: Replica, request: RaftRequest, answer: OwnAnswer): void {
    const { id, disk } = replica;
    const { epoch } = answer.leader;
    const durable = disk.state ?? { epoch: 0, leaderId: -1, voted: null };
    check(
      epoch <= durable.epoch,
      () => `${id} answers with epoch ${epoch}, durable is ${durable.epoch}`,
    );
    if (answer.type === "vote" && request.type === "vote") {
      if (!answer.isGranted || request.isPreVote) return;
      const { voter } = request;
      check(
        isSameReplica(voter, { id, directoryId: disk.directoryId }),
        () => `${id} grants the vote of ${voter.directoryId} and is ${disk.directoryId}`,
      );
      check(
        durable.epoch > request.epoch ||
          durable.voted !== null && isSameReplica(durable.voted, request.candidate),
        () => `${id} grants its vote before that is durable`,
      );
      this.#castVote(request.epoch, { id, directoryId: disk.directoryId }, request.candidate);
    }
    if (answer.type === "fetch" && answer.read !== null) {
      check(
        durable.epoch > epoch || durable.leaderId === id,
        () => `${id} serves records in epoch ${epoch} before its leadership is durable`,
      );
    }
  }

  /** Records leave in the answer of a fetch. */
  served(batches: readonly Batch[]): void {
    for (const batch of batches) this.#show(batch);
  }

  activated(replica: Replica, epoch: number, startOffset: number): void {
    const name = `${replica.id} in its life ${replica.incarnation}`;
    // The only voter may be active before its leadership is durable: nothing of it can be seen until its
    // log is the proof.
    if (replica.disk.state?.epoch === epoch) this.#isActiveIn(name, epoch);
    check(
      startOffset <= this.#committedEnd,
      () => `${name} is active from ${startOffset} on, committed are ${this.#committedEnd}`,
    );
  }

  #isActiveIn(name: string, epoch: number): void {
    const other = this.#active.get(epoch) ?? name;
    check(other === name, () => `${name} is active in epoch ${epoch} after ${other}`);
    this.#active.set(epoch, name);
  }

  /** A replica reports that the records below `offset` are committed. */
  committed(replica: Replica, core: RaftCore, offset: number): void {
    const { id, disk, highWatermark } = replica;
    const { role, epoch } = core.status;
    if (role === "leader" && disk.epochBefore(offset) === epoch) {
      this.#isActiveIn(`${id} in its life ${replica.incarnation}`, epoch);
    }
    check(
      offset >= highWatermark,
      () => `${id} moves its high watermark back from ${highWatermark} to ${offset}`,
    );
    check(offset <= disk.endOffset, () => `${id} commits ${offset} beyond the end of its log`);
    // A leader that was removed resigns as it commits that.
    if (role === "leader" || this.#leading.has(replica)) this.#checkMajority(replica, core, offset);
    else {
      check(
        offset <= this.#committedEnd,
        () => `${id} commits ${offset}, leaders have committed ${this.#committedEnd}`,
      );
    }
    const { batches } = disk;
    for (let index = disk.indexOf(highWatermark); index < batches.length; index++) {
      const batch = batches[index]!;
      if (batch.baseOffset >= offset) break;
      check(batch.lastOffset < offset, () => `${id} commits a part of ${keyOf(batch)}`);
      if (batch.baseOffset === this.#committedEnd) {
        this.#committed.set(batch.baseOffset, batch);
        this.#committedIn.set(batch, core.status.epoch);
        this.#committedEnd = batch.lastOffset + 1;
        this.#checkNewest(batch, core.status.epoch);
      } else {
        const other = this.#committed.get(batch.baseOffset);
        check(
          other === batch,
          () => `${id} commits ${keyOf(batch)}, committed was ${other && keyOf(other)}`,
        );
      }
    }
    check(
      offset <= Math.max(this.#committedEnd, disk.startOffset),
      () => `${id} commits ${offset} after ${this.#committedEnd}`,
    );
  }

  /** A proposal was reported as committed. */
  acknowledged(batch: Batch): void {
    check(
      this.#committed.get(batch.baseOffset) === batch,
      () => `${keyOf(batch)} is acknowledged and not committed`,
    );
    this.#acknowledged++;
  }

  /** The core has taken an event, and its effects were executed. */
  stepped(replica: Replica, core: RaftCore): void {
    const { id, disk, highWatermark } = replica;
    const { role, epoch, leaderId, ...status } = core.status;
    const durable = disk.state ?? { epoch: 0, leaderId: -1 };
    check(durable.epoch <= epoch, () => `${id} is in epoch ${epoch}, durable is ${durable.epoch}`);
    if (!replica.hasUnsavedState) {
      check(
        durable.epoch === epoch && durable.leaderId === leaderId,
        () => `${id} knows leader ${leaderId} of ${epoch}, durable: ${JSON.stringify(durable)}`,
      );
    }
    check(
      status.highWatermark === highWatermark,
      () => `${id} has high watermark ${status.highWatermark}, reported ${highWatermark}`,
    );
    check(
      status.logStartOffset === disk.startOffset && status.logEndOffset === disk.endOffset &&
        status.durableOffset <= disk.durableEnd,
      () =>
        `${id} has log ${status.logStartOffset}-${status.logEndOffset} (${status.durableOffset}), ` +
        `on disk ${disk.startOffset}-${disk.endOffset} (${disk.durableEnd})`,
    );
    if (role !== "leader") {
      this.#leading.delete(replica);
      return;
    }
    if (this.#checkedVoters.get(replica) !== highWatermark) {
      this.#checkedVoters.set(replica, highWatermark);
      check(
        disk.votersBefore(disk.endOffset).equals(status.voters),
        () => `${id} acts on other voters than the latest ones of its log`,
      );
    }
    if (this.#leading.get(replica) === epoch) return;
    this.#leading.set(replica, epoch);
    check(replica.canVote, () => `${id} leads and is an observer`);
    this.#leads(id, epoch);
    this.holdsEverything(replica, epoch);
    if (this.#newest !== null && this.#newest.epoch >= epoch) return;
    this.#newest = { replica, epoch, incarnation: replica.incarnation };
  }

  /**
   * Checks that every batch that was committed before `epoch` is in the log or before its start. A candidate
   * may learn late that it was elected, when later leaders have committed other records.
   */
  holdsEverything({ id, disk }: Replica, epoch = Infinity): void {
    let { startOffset } = disk;
    let index = 0;
    for (;; index++) {
      const committed = this.#committed.get(startOffset);
      if (committed === undefined) break;
      if (this.#committedIn.get(committed)! >= epoch) break;
      const batch = disk.batches[index];
      check(
        batch === committed,
        () => `${id} has ${batch && keyOf(batch)} in place of the committed ${keyOf(committed)}`,
      );
      startOffset = committed.lastOffset + 1;
    }
  }

  /** A newer leader has every record that one of an older epoch commits. */
  #checkNewest(batch: Batch, epoch: number): void {
    const newest = this.#newest;
    if (newest === null || newest.incarnation !== newest.replica.incarnation) return;
    // A leader that was removed counts for nothing any more, and may have lost the record that removed it.
    if (newest.epoch < epoch) return;
    const { disk } = newest.replica;
    if (batch.baseOffset < disk.startOffset) return;
    check(
      disk.batchAt(batch.baseOffset) === batch,
      () => `${newest.replica.id} leads epoch ${newest.epoch} without ${keyOf(batch)}`,
    );
  }

  /** A majority of the voters at that offset, or of the latest ones, has everything durably. */
  #checkMajority(replica: Replica, core: RaftCore, offset: number): void {
    if (offset === 0) return;
    const { disk } = replica;
    // Its effects may append records with later voters in a moment.
    const sets = [disk.votersBefore(offset), core.status.voters];
    const last = disk.batchAt(offset - 1);
    check(
      last !== undefined || offset === disk.startOffset,
      () => `${replica.id} commits ${offset} without a record`,
    );
    this.#checkOwnEpoch(replica, core, last);
    check(
      sets.some((voters) => this.#isOnMajority(voters, offset, last)),
      () =>
        `${replica.id} commits ${offset}, which no majority has durably: ` +
        [...this.disks()].map(({ id, disk }) => `${id} has ${disk.durableEnd}`).join(", "),
    );
  }

  /** Records of earlier epochs are committed only by one of the own epoch after them. */
  #checkOwnEpoch({ id }: Replica, core: RaftCore, last: Batch | undefined): void {
    const { epoch, role, voters } = core.status;
    if (role !== "leader" || voters.size === 1 || last === undefined) return;
    check(last.epoch === epoch, () => `${id} commits up to ${keyOf(last)} in epoch ${epoch}`);
  }

  #isOnMajority(voters: VoterSet, offset: number, last: Batch | undefined): boolean {
    let count = 0;
    for (const voter of voters) {
      const disk = this.#diskOf(voter);
      if (disk === undefined || disk.durableEnd < offset) continue;
      if (disk.startOffset >= offset || last !== undefined && disk.batchAt(offset - 1) === last) {
        count++;
      }
    }
    return count >= voters.majority;
  }

  #diskOf(voter: Voter): ReplicaDisk | undefined {
    for (const { id, disk } of this.disks()) {
      if (isSameReplica(voter, { id, directoryId: disk.directoryId })) return disk;
    }
    return undefined;
  }

  /** A replica may lose committed records only while it is in an earlier epoch, for whose leader it counts. */
  #loses({ id, core }: Replica, batches: readonly Batch[]): void {
    const epoch = core?.status.epoch ?? 0;
    for (const batch of batches) {
      check(
        epoch < (this.#committedIn.get(batch) ?? Infinity),
        () => `${id} removes the committed record ${keyOf(batch)} in epoch ${epoch}`,
      );
    }
  }

  /** A replica that asks for votes is a voter, or was one until the last change. */
  #checkVoter({ id, canVote, disk }: Replica): void {
    const { voters, voterRecords } = disk.open();
    const sets = voterRecords.flatMap((record) => "voters" in record ? [record.voters] : []);
    const isVoter = [voters, ...sets].slice(-2).some((set) =>
      set.has({ id, directoryId: disk.directoryId })
    );
    check(canVote && isVoter, () => `${id} asks for votes and is no voter`);
  }

  #leads(id: number, epoch: number): void {
    const other = this.#leaders.get(epoch);
    check(other === undefined || other === id, () => `Epoch ${epoch} has leaders ${other}, ${id}`);
    this.#leaders.set(epoch, id);
  }

  #castVote(epoch: number, voter: ReplicaKey, candidate: ReplicaKey): void {
    const key = `${epoch} ${voter.id} ${voter.directoryId}`;
    const other = this.#votes.get(key);
    check(
      other === undefined || isSameReplica(other, candidate),
      () => `${voter.id} votes for ${other?.id} and ${candidate.id} in epoch ${epoch}`,
    );
    this.#votes.set(key, candidate);
  }

  #see(disk: ReplicaDisk): void {
    for (let index = disk.batches.length - 1; index >= 0; index--) {
      const batch = disk.batches[index]!;
      if (batch.lastOffset >= disk.durableEnd) continue;
      if (this.#visible.get(keyOf(batch)) === batch) return;
      this.#show(batch);
    }
  }

  #show(batch: Batch): void {
    const key = keyOf(batch);
    const other = this.#visible.get(key);
    check(other === undefined || other === batch, () => `There are two records ${key}`);
    this.#visible.set(key, batch);
  }
}

function keyOf({ baseOffset, epoch }: Batch): string {
  return `${baseOffset}-${epoch}`;
}
