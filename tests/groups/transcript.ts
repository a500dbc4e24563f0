/**
 * Replays a transcript of a classic group. Lines that begin with `>` are events; the effects of each
 * event, and its result, are written below it, indented.
 *
 * - `limits delay=3000 size=10` sets the group's limits, before the first event.
 * - `> a: join session=10000 rebalance=60000 protocols=range:x,sticky:y type=consumer v=9 reason=r
 *   instance=i id=m` is a JoinGroup of client `a`. Each client keeps the member id and generation it
 *   received and the parameters of its last join, which can be overridden.
 * - `> a: sync b=1 a=2` is its SyncGroup, here with the leader's assignment by client and as text.
 *   `> a: heartbeat`, `> a: leave b instance=i` (another client, or by instance id) and
 *   `> a: commit` accept `id=`, `instance=` and `generation=`.
 * - `> a: forget` restarts the client without a request to the group.
 * - `> wait 500` advances the time in milliseconds. Timers that expire are events.
 * - `> delete` and `> unload` end the group.
 *
 * @module
 */
import { stepClassicGroup } from "../../src/groups/classic_group.ts";
import type {
  GroupAnswer,
  GroupEvent,
  GroupTimer,
  LeaveResult,
  ResultOf,
} from "../../src/groups/classic_group_events.ts";
import { emptyGroup } from "../../src/groups/classic_group_state.ts";
import { ErrorCode, errorName } from "../../src/protocol/errors.ts";

interface Client {
  memberId: string;
  generationId: number;
  /** The parameters of its last join, repeated by the next one. */
  words: Map<string, string>;
}

const text = new TextDecoder();
const bytes = new TextEncoder();

/** Replays `transcript` and returns it with the actual effects of its events. */
export function playTranscript(transcript: string): string {
  const player = new Player();
  const lines: string[] = [];
  for (const line of transcript.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (line.startsWith("limits ")) player.limit(line.slice("limits ".length));
    if (line.startsWith("> ")) lines.push(...player.play(line.slice(2)));
  }
  return lines.join("\n");
}

class Player {
  readonly #group = emptyGroup("g", 0);
  readonly #clients = new Map<string, Client>();
  readonly #timers = new Map<GroupTimer, number>();
  readonly #askedBy = new Map<number, string>();
  #limits = { groupInitialRebalanceDelayMs: 3000, groupMaxSize: 1000 };
  #nowMs = 0;
  #calls = 0;
  #memberIds = 0;
  #lines: string[] = [];
  #shown = "";

  limit(line: string): void {
    const words = parseWords(line.split(" "));
    this.#limits = {
      groupInitialRebalanceDelayMs: Number(words.get("delay") ?? 3000),
      groupMaxSize: Number(words.get("size") ?? 1000),
    };
  }

  play(line: string): string[] {
    this.#lines = [];
    const [first = "", ...rest] = line.split(" ").filter((word) => word !== "");
    if (first === "wait") this.#wait(Number(rest[0]));
    else if (first === "delete") {
      this.#step({ type: "delete" }, (code) => this.#say("admin", `delete ${errorName(code)}`));
    } else if (first === "unload") {
      this.#step({ type: "unload", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
    } else if (first.endsWith(":")) this.#act(first.slice(0, -1), rest[0] ?? "", rest.slice(1));
    else throw new Error(`The transcript has no event "${line}"`);
    this.#showState();
    return this.#lines;
  }

  #client(name: string): Client {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = { memberId: "", generationId: -1, words: new Map() };
      this.#clients.set(name, client);
    }
    return client;
  }

  #call(name: string): number {
    this.#askedBy.set(++this.#calls, name);
    return this.#calls;
  }

  #act(name: string, verb: string, rest: string[]): void {
    const client = this.#client(name);
    const words = parseWords(rest);
    const identity = {
      memberId: words.get("id") ?? client.memberId,
      groupInstanceId: words.get("instance") ?? client.words.get("instance") ?? null,
    };
    const member = {
      ...identity,
      generationId: Number(words.get("generation") ?? client.generationId),
    };
    switch (verb) {
      case "forget":
        this.#clients.set(name, { ...client, memberId: "", generationId: -1 });
        return;
      case "join":
        for (const [key, value] of words) if (key !== "id") client.words.set(key, value);
        return this.#join(name, identity.memberId, client.words);
      case "sync":
        return this.#sync(name, member, words);
      case "heartbeat":
      case "commit":
        return this.#step(
          { type: verb, member },
          (code) => this.#say(name, `${verb} ${errorName(code)}`),
        );
      case "leave": {
        const named = rest.filter((word) => !word.includes("="));
        const members = named.length > 0
          ? named.map((other) => ({
            memberId: this.#client(other).memberId,
            groupInstanceId: null,
            reason: null,
          }))
          : [{ ...identity, reason: words.get("reason") ?? null }];
        return this.#step({ type: "leave", members }, (result) => this.#left(name, result));
      }
      default:
        throw new Error(`The transcript has no verb "${verb}"`);
    }
  }

  #join(name: string, memberId: string, words: Map<string, string>): void {
    const version = Number(words.get("v") ?? 9);
    const protocols = (words.get("protocols") ?? "range:").split(",").filter((word) => word !== "");
    this.#step({
      type: "join",
      call: this.#call(name),
      join: {
        memberId,
        groupInstanceId: words.get("instance") ?? null,
        clientId: name,
        clientHost: "/127.0.0.1",
        sessionTimeoutMs: Number(words.get("session") ?? 10_000),
        rebalanceTimeoutMs: Number(words.get("rebalance") ?? 60_000),
        protocolType: words.get("type") ?? "consumer",
        protocols: protocols.map((word) => {
          const [protocol = "", metadata = ""] = word.split(":");
          return { name: protocol, metadata: bytes.encode(metadata) };
        }),
        reason: words.get("reason") ?? null,
        freshMemberId: `${words.get("instance") ?? name}-${++this.#memberIds}`,
        requiresKnownMemberId: version >= 4,
        supportsSkippingAssignment: version >= 9,
      },
    });
  }

  #sync(
    name: string,
    member: { memberId: string; groupInstanceId: string | null; generationId: number },
    words: Map<string, string>,
  ): void {
    const assignments = [...words].filter(([key]) => this.#clients.has(key));
    this.#step({
      type: "sync",
      call: this.#call(name),
      sync: {
        ...member,
        protocolType: words.get("type") ?? null,
        protocolName: words.get("protocol") ?? null,
        assignments: assignments.map(([key, value]) => ({
          memberId: this.#client(key).memberId,
          assignment: bytes.encode(value),
        })),
      },
    });
  }

  #wait(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      let next: [GroupTimer, number] | undefined;
      for (const entry of this.#timers) if (next === undefined || entry[1] < next[1]) next = entry;
      if (next === undefined || next[1] > untilMs) break;
      const [timer, dueMs] = next;
      this.#timers.delete(timer);
      this.#nowMs = dueMs;
      this.#lines.push(`  at ${dueMs}: ${timer} ends`);
      this.#step({ type: "timer", timer });
    }
    this.#nowMs = untilMs;
  }

  #step<Event extends GroupEvent>(
    event: Event,
    onResult: (result: ResultOf<Event>) => void = () => {},
  ): void {
    const { result, effects } = stepClassicGroup(this.#group, event, this.#nowMs, this.#limits);
    for (const effect of effects) {
      switch (effect.type) {
        case "answer":
          this.#answer(this.#askedBy.get(effect.call)!, effect.answer);
          if (!this.#askedBy.delete(effect.call)) throw new Error("A call is answered twice");
          break;
        case "setTimer":
          this.#timers.set(effect.timer, this.#nowMs + effect.delayMs);
          this.#lines.push(`  timer ${effect.timer}: ${effect.delayMs}`);
          break;
        case "cancelTimer":
          if (this.#timers.delete(effect.timer)) this.#lines.push(`  timer ${effect.timer}: off`);
          break;
        case "note":
          this.#lines.push(`  "${effect.text}"`);
          break;
      }
    }
    onResult(result);
  }

  #say(name: string, words: string): void {
    this.#lines.push(`  ${name} <- ${words}`);
  }

  #left(name: string, { errorCode, members }: LeaveResult): void {
    const results = members.map(({ memberId, groupInstanceId, errorCode }) =>
      ` ${memberId || groupInstanceId || "?"}:${errorName(errorCode)}`
    );
    this.#say(name, `leave ${errorName(errorCode)}${results.join("")}`);
  }

  #answer(name: string, answer: GroupAnswer): void {
    const words = [answer.kind, errorName(answer.errorCode)];
    if (answer.kind === "join") {
      const { errorCode, memberId } = answer;
      if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
        this.#client(name).memberId = memberId;
      }
      words.push(`id=${answer.memberId}`);
      if (answer.errorCode === ErrorCode.NONE) {
        this.#client(name).generationId = answer.generationId;
        words.push(`generation=${answer.generationId}`, `leader=${answer.leader}`);
        words.push(`protocol=${answer.protocolType}/${answer.protocolName}`);
        if (answer.skipAssignment) words.push("skip-assignment");
        for (const { memberId, groupInstanceId, metadata } of answer.members) {
          words.push(`${memberId}${groupInstanceId === null ? "" : "!"}:${text.decode(metadata)}`);
        }
      }
    } else if (answer.errorCode === ErrorCode.NONE) {
      words.push(`protocol=${answer.protocolType}/${answer.protocolName}`);
      words.push(`assignment=${text.decode(answer.assignment)}`);
    }
    this.#say(name, words.join(" "));
  }

  #showState(): void {
    const { phase, generationId, leaderId, members, pendingMembers } = this.#group;
    const words = [`${phase.name} generation=${generationId}`];
    if (leaderId !== null) words.push(`leader=${leaderId}`);
    for (const { memberId, waiting, groupInstanceId } of members.values()) {
      words.push(`${memberId}${groupInstanceId ? "!" : ""}${waiting ? `(${waiting.kind})` : ""}`);
    }
    for (const memberId of pendingMembers) words.push(`${memberId}?`);
    const line = `  = ${words.join(" ")}`;
    if (line !== this.#shown) this.#lines.push(line);
    this.#shown = line;
  }
}

function parseWords(words: readonly string[]): Map<string, string> {
  const parsed = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    if (at > 0) parsed.set(word.slice(0, at), word.slice(at + 1));
  }
  return parsed;
}
