/**
 * Bugs planted in the life of a broker in its cluster.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const LIFECYCLE = "src/broker/lifecycle/broker_lifecycle.ts";
const LIFECYCLE_TEST = "tests/broker/lifecycle/broker_lifecycle_test.ts";
const SESSION = "src/broker/lifecycle/broker_session.ts";
const SESSION_TEST = "tests/broker/lifecycle/broker_session_test.ts";

/** By the letter J, from 1 on. */
export const LIFECYCLE_MUTANTS: readonly Mutant[] = [
  {
    id: "J1",
    file: LIFECYCLE,
    bug: "a broker asks to be unfenced before its listeners accept requests",
    text: "wantFence: !this.#hasOwnRegistration || !this.#isReady,",
    replacement: "wantFence: !this.#hasOwnRegistration,",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J2",
    file: LIFECYCLE,
    bug: "a broker has caught up with the record of an earlier registration",
    text: '!("epoch" in this.#state) || event.offset < this.#state.epoch',
    replacement: 'event.kind !== "image reached"',
    test: LIFECYCLE_TEST,
  },
  {
    id: "J3",
    file: LIFECYCLE,
    bug: "a running broker whose registration is gone stays out",
    text: "    if (!isGone) {",
    replacement: '    if (!isGone || this.#state.kind === "running") {',
    test: LIFECYCLE_TEST,
  },
  {
    id: "J4",
    file: LIFECYCLE,
    bug: "two heartbeats are under way",
    text: '    if (this.#isInFlight || this.#state.kind === "stopped") return;',
    replacement: '    if (this.#state.kind === "stopped") return;',
    test: LIFECYCLE_TEST,
  },
  {
    id: "J5",
    file: LIFECYCLE,
    bug: "a broker that has served gives up on controllers that do not answer",
    text: "    if (!isRefused && this.#brokerEpoch >= 0) this.#registeringSince = now;\n",
    replacement: "",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J6",
    file: LIFECYCLE,
    bug: "a broker counts its session from the answer, which the controller does not",
    text: "    this.#contactAt = this.#sentAt;\n" +
      "    this.#dueAt = this.#sentAt + this.#settings.heartbeatIntervalMs;",
    replacement: "    this.#contactAt = this.#sentAt + 1_000;\n" +
      "    this.#dueAt = this.#sentAt + this.#settings.heartbeatIntervalMs;",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J7",
    file: LIFECYCLE,
    bug: "a controlled shutdown waits for controllers that do not answer",
    text: "        if (now >= this.#shutdownEndsAt()) this.#abandonShutdown(now, effects);\n",
    replacement: "",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J8",
    file: LIFECYCLE,
    bug: "a process gives up before the session of a killed one has ended",
    text: "? Math.max(registrationTimeoutMs, 2 * sessionTimeoutMs)",
    replacement: "? registrationTimeoutMs",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J9",
    file: SESSION,
    bug: "a broker that registers again counts as one that lost its records",
    text: "brokerEpoch < 0 ? identity.previousBrokerEpoch : brokerEpoch",
    replacement: "identity.previousBrokerEpoch",
    test: SESSION_TEST,
  },
  {
    id: "J10",
    file: "src/broker/directory_assignments.ts",
    bug: "the directory of a replica of a deleted topic is reported for ever",
    text: "  ErrorCode.UNKNOWN_TOPIC_ID,\n",
    replacement: "",
    test: "tests/broker/directory_assignments_test.ts",
  },
  {
    id: "J11",
    file: "src/broker/directory_assignments.ts",
    bug: "a directory that changes while it is reported is forgotten",
    text: "else if (this.#pending.get(key) === assignment) this.#pending.delete(key);",
    replacement: "else this.#pending.delete(key);",
    test: "tests/broker/directory_assignments_test.ts",
  },
  {
    id: "J12",
    file: "src/broker/producer_ids.ts",
    bug: "producers fail while their broker registers",
    text: "    if (errorCode !== ErrorCode.UNKNOWN_SERVER_ERROR) throw notNow(reason);\n",
    replacement: "",
    test: "tests/broker/producer_ids_test.ts",
  },
  {
    id: "J13",
    file: "src/log/directory/log_manager.ts",
    bug: "directories of different processes prove a clean shutdown",
    text: "return epochs.every((epoch) => epoch === epochs[0]) ? epochs[0]! : -1;",
    replacement: "return epochs[0]!;",
    test: "tests/log/directory/log_manager_test.ts",
  },
  {
    id: "J14",
    file: LIFECYCLE,
    bug: "a broker's shutdown waits for the next heartbeats of the others",
    text: 'this.#isUrgent ||= this.#state.kind === "running";',
    replacement: "",
    test: LIFECYCLE_TEST,
  },
  {
    id: "J15",
    file: LIFECYCLE,
    bug: "two processes with copies of the same directories replace each other for ever",
    text: " && this.#isReplacedForGood(now)",
    replacement: " && this.#isReplacedForGood(now) && false",
    test: LIFECYCLE_TEST,
  },
];
