/**
 * Replays a transcript of a quorum. The first line is `quorum voters=3 observers=1 spares=1 kraft=1`: the
 * nodes are numbered in this order, and all but the voters default to 0. Lines that begin with `>` are events;
 * what happens is written below each, indented, with the time in milliseconds.
 *
 * A message takes 1 ms, and so does a write to a disk. A timer of node N ends 10 N ms after the earliest time
 * that it may have, so that node 1 is the first one. Fetches are not
 * shown, but that the log differs or a snapshot is needed.
 *
 * - `> start 1 2` starts nodes, also those that are down.
 * - `> wait 500` lets time pass, with all messages, writes and timers.
 * - `> propose 1 3` appends three records at node 1, if it is active.
 * - `> kill 1` ends a process: connections are refused. `> fail 1` ends a machine, which answers no more. Only
 *   what is durable remains.
 * - `> cut 1` cuts the links of a node to all others, `> cut 1 2` one, `> cut 1>2` one direction. `> heal`.
 * - `> disk 1 5000` lets writes of node 1 take so long. `> jump 1 500` sets its clock forward. `> pause 1 500`.
 * - `> replace 1` gives a node that is down a new disk, `> move 1` another address. `> lose 1` removes its log.
 * - `> snapshot 1`, `> truncate 1`: writes a snapshot of all that is committed, cuts the log at the latest one.
 * - `> add 4`, `> remove 1`, `> upgrade` ask the leader; `> add 4 1` asks node 1.
 * - `> resign 1`, `> shut down 1`.
 * - `> ask 2 vote epoch=5 candidate=3 log=7-1 voter=other`, `> ask 2 pre-vote …`, `> ask 2 begin epoch=2
 *   leader=3`, `> ask 2 end epoch=2 leader=3 successors=2,1`, `> ask 2 fetch epoch=1 at=7-1`: one request.
 *
 * @module
 */
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import type { OwnAnswer, RaftRequest } from "../../../src/raft/core/messages.ts";
import type { ReplicaKey } from "../../../src/raft/core/voter_set.ts";
import { Cluster, type ClusterShape, directoryOf } from "./simulation/cluster.ts";
import type { DrawPurpose, Replica } from "./simulation/replica.ts";
import { NO_VOTERS, ReplicaDisk } from "./simulation/replica_disk.ts";

/** Replays `transcript` and returns it with the actual effects of its events. */
export function playTranscript(transcript: string): string {
  const lines: string[] = [];
  let player: Player | null = null;
  for (const line of transcript.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (line.startsWith("quorum ")) player = new Player(parseShape(line));
    if (!line.startsWith("> ")) continue;
    if (player === null) throw new Error("The transcript begins without a quorum");
    lines.push(...player.play(line.slice(2)).map((shown) => `  ${shown}`));
  }
  return lines.join("\n");
}

function parseShape(line: string): ClusterShape {
  const words = parseWords(line.split(" "));
  return {
    voters: Number(words.get("voters") ?? 3),
    observers: Number(words.get("observers") ?? 0),
    spares: Number(words.get("spares") ?? 0),
    kraftVersion: words.get("kraft") === "1" ? 1 : 0,
    hasDrift: false,
  };
}

/** A quorum without chance. */
class ScriptedCluster extends Cluster {
  #lines: string[] = [];

  constructor(shape: ClusterShape) {
    super(0, shape);
    this.stopProposing();
    for (const replica of this.replicas) replica.slowestWriteMs = 1;
  }

  takeLines(): string[] {
    return this.#lines.splice(0);
  }

  override draw(replica: Replica, purpose: DrawPurpose, bound: number): number {
    switch (purpose) {
      case "timer":
        return Math.min(bound - 1, 10 * replica.id);
      case "write":
      case "snapshot":
        return bound - 1;
      case "survival":
        return 0;
      case "state":
        return Math.min(bound - 1, 1);
    }
  }

  protected override drawLatency(): number {
    return 1;
  }

  override trace(line: string): void {
    super.trace(line);
    const isFetch = /^\d+ [<>] \d+ fetch /.test(line);
    if (!isFetch || /diverging|snapshot/.test(line)) this.#lines.push(`${this.now}: ${line}`);
  }
}

class Player {
  readonly #cluster: ScriptedCluster;
  readonly #shown = new Map<number, string>();

  constructor(shape: ClusterShape) {
    this.#cluster = new ScriptedCluster(shape);
  }

  play(line: string): string[] {
    const [verb = "", ...words] = line.split(" ").filter((word) => word !== "");
    this.#act(verb, words);
    return [...this.#cluster.takeLines(), ...this.#changes()];
  }

  #act(verb: string, words: string[]): void {
    const cluster = this.#cluster;
    const [first = "", second = ""] = words;
    const node = () => this.#node(first);
    switch (verb) {
      case "start":
        return words.forEach((word) => this.#node(word).start());
      case "wait":
        return cluster.run(Number(first));
      case "propose":
        for (let count = Number(second); count > 0; count--) {
          if (!node().propose(new Uint8Array(1), 1)) cluster.trace(`${first} is not active`);
        }
        return;
      case "kill":
        return node().kill();
      case "fail":
        node().isMachineGone = true;
        return node().kill();
      case "cut":
        return this.#cut(first, second);
      case "heal":
        return cluster.healAll();
      case "disk":
        node().slowestWriteMs = Number(second);
        return;
      case "jump":
        return node().jumpClock(Number(second));
      case "pause":
        node().pausedUntil = cluster.now + Number(second);
        return;
      case "replace": {
        const { id, directoryId } = node();
        const next = Number(directoryId.split(".")[1]) + 1;
        node().disk = new ReplicaDisk(directoryOf(id, next), NO_VOTERS);
        return;
      }
      case "move":
        return cluster.placeAt(node(), node().endpoints[0]!.port + 100);
      case "lose":
        return node().disk.loseLog();
      case "snapshot":
        node().writeSnapshot();
        return;
      case "truncate":
        node().cutLog();
        return;
      case "resign":
        return node().step((core, now) => core.resign(now));
      case "shut":
        return this.#node(second).step((core, now) => core.shutdown(now));
      case "upgrade":
        return this.#leader(first).step((core, now) => {
          const { refusal, effects } = core.upgradeKRaftVersion(now);
          const result = refusal === null ? "done" : `${errorName(refusal.code)}: ${refusal.why}`;
          cluster.trace(`upgrade ${result}`);
          return effects;
        });
      case "add": {
        const { id, directoryId, endpoints } = node();
        const voter = { id, directoryId };
        return this.#ask(this.#leader(second), {
          type: "add-voter",
          voter,
          endpoints,
          waitsForCommit: true,
        });
      }
      case "remove": {
        const { id } = node();
        const to = this.#leader(second);
        const { voters } = to.core!.status;
        const { directoryId } = voters.byId(id) ?? node();
        return this.#ask(to, { type: "remove-voter", voter: { id, directoryId } });
      }
      case "ask":
        return this.#ask(node(), this.#request(node(), second, parseWords(words)));
      default:
        throw new Error(`The transcript has no event "${verb}"`);
    }
  }

  #node(word: string): Replica {
    const node = this.#cluster.replicas[Number(word) - 1];
    if (node === undefined) throw new Error(`The quorum has no node "${word}"`);
    return node;
  }

  #leader(word: string): Replica {
    const leader = word === "" ? this.#cluster.leader : this.#node(word);
    if (leader === undefined) throw new Error("The quorum has no leader");
    return leader;
  }

  #cut(first: string, second: string): void {
    const cluster = this.#cluster;
    if (first.includes(">")) {
      const [from, to] = first.split(">").map(Number);
      return cluster.cut(from!, to!);
    }
    for (const { id } of cluster.replicas) {
      if (id === Number(first) || second !== "" && id !== Number(second)) continue;
      cluster.cut(Number(first), id);
      cluster.cut(id, Number(first));
    }
  }

  #ask(to: Replica, request: RaftRequest): void {
    to.request(request, (answer) => this.#cluster.trace(`${to.id} answers ${describe(answer)}`));
  }

  #request(to: Replica, kind: string, words: Map<string, string>): RaftRequest {
    const key = (word: string | undefined): ReplicaKey => {
      const { id, directoryId } = this.#node(word ?? "1");
      return { id, directoryId };
    };
    const ids = (name: string): string[] => words.get(name)?.split(",") ?? [];
    const voter = {
      id: to.id,
      directoryId: words.has("voter") ? directoryOf(to.id, 9) : to.directoryId,
    };
    const epoch = Number(words.get("epoch") ?? 0);
    const leaderId = Number(words.get("leader") ?? 1);
    const [offset, lastEpoch] = (words.get("log") ?? words.get("at") ?? "0-0").split("-").map(
      Number,
    );
    const log = { endOffset: offset!, lastEpoch: lastEpoch! };
    switch (kind) {
      case "vote":
      case "pre-vote": {
        const candidate = key(words.get("candidate"));
        return { type: "vote", epoch, candidate, voter, ...log, isPreVote: kind === "pre-vote" };
      }
      case "begin": {
        const { endpoints } = this.#node(String(leaderId));
        return { type: "begin-quorum-epoch", epoch, leaderId, voter, endpoints };
      }
      case "end": {
        const { endpoints } = this.#node(String(leaderId));
        const successors = ids("successors").map(key);
        return { type: "end-quorum-epoch", epoch, leaderId, successors, endpoints };
      }
      case "fetch":
        return {
          type: "fetch",
          epoch,
          replica: key(words.get("replica")),
          offset: offset!,
          lastEpoch: lastEpoch!,
          highWatermark: -1,
          maxWaitMs: 0,
          maxBytes: 1,
        };
      default:
        throw new Error(`The transcript has no request "${kind}"`);
    }
  }

  /** The nodes that are not as they were shown last. */
  #changes(): string[] {
    const changes: string[] = [];
    for (const { id, core, disk } of this.#cluster.replicas) {
      let shown = "is down";
      if (core !== null) {
        const { role, epoch, leaderId, highWatermark, voters, ...log } = core.status;
        const led = role === "leader" || leaderId < 0 ? "" : ` (leader ${leaderId})`;
        const durable = disk.durableEnd < disk.endOffset ? `, durable ${disk.durableEnd}` : "";
        shown = `${role}${led} epoch ${epoch}, committed ${highWatermark}, ` +
          `log ${log.logStartOffset}-${log.logEndOffset}${durable}, ` +
          `voters ${[...voters].map((voter) => voter.id).join(",") || "none"}`;
      }
      if (this.#shown.get(id) === shown || !this.#shown.has(id) && core === null) continue;
      this.#shown.set(id, shown);
      changes.push(`= ${id} ${shown}`);
    }
    return changes;
  }
}

function describe(answer: OwnAnswer): string {
  const { type, errorCode, leader, errorMessage } = answer;
  const words = [type, errorName(errorCode)];
  if (answer.type === "vote" && errorCode === ErrorCode.NONE) {
    words.push(answer.isGranted ? "granted" : "rejected");
  }
  if (answer.type === "fetch" && answer.diverging !== null) {
    words.push(`diverging at ${answer.diverging.endOffset}-${answer.diverging.epoch}`);
  }
  words.push(`epoch ${leader.epoch} leader ${leader.leaderId}`);
  return words.join(" ") + (errorMessage ? `: ${errorMessage}` : "");
}

function parseWords(words: readonly string[]): Map<string, string> {
  const parsed = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    if (at > 0) parsed.set(word.slice(0, at), word.slice(at + 1));
  }
  return parsed;
}
