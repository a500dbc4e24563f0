/**
 * Planted bugs of the control plane that its simulation finds: the known traps of controllers and of brokers.
 * The seeds that find them: 1 for CP1, CP2, CP3, CP8, CP9, CP10, CP11 and CP14, 2 for CP4 and CP18, 3 for CP6
 * and CP7, 5 for CP13, 15 for CP15, 37 for CP12, 78 for CP17, 98 for CP5.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const SIMULATION = "tests/simulation/control_plane/seeds_test.ts";
const STORIES = "tests/simulation/control_plane/stories_test.ts";

/** Bugs of the control plane. */
export const CONTROL_PLANE_MUTANTS: readonly Mutant[] = [
  {
    id: "CP1",
    file: "src/controller/brokers/heartbeats.ts",
    bug: "a broker is unfenced before it has its own registration (KAFKA-13959)",
    text: "const isCaughtUp = request.currentMetadataOffset >= registrationOffset;",
    replacement: "const isCaughtUp = request.currentMetadataOffset >= registrationOffset - 2;",
    test: SIMULATION,
  },
  {
    id: "CP2",
    file: "src/controller/brokers/registration_change.ts",
    bug: "requests with the epoch of an earlier registration are accepted (KAFKA-14617)",
    text: "if (broker.epoch !== brokerEpoch)",
    replacement: "if (broker.epoch < brokerEpoch)",
    test: SIMULATION,
  },
  {
    id: "CP3",
    file: "src/controller/active/decision_queue.ts",
    bug: "changes are answered before they are committed",
    text: "if (outcome.offset > this.#committedOffset) {",
    replacement: "if (outcome.offset > this.#options.log.endOffset) {",
    test: SIMULATION,
  },
  {
    id: "CP4",
    file: "src/controller/active/decision_queue.ts",
    bug: "changes under way are answered as made when the leadership ends",
    text: "this.#answers.rejectAll(reason);",
    replacement: "this.#answers.release(Infinity);",
    test: SIMULATION,
  },
  {
    id: "CP5",
    file: "src/controller/controller.ts",
    bug: "a controller that is active again decides from the state of its last leadership",
    text: ": new OwnState(await loader.fork());",
    replacement:
      ": (this.#options as { own?: OwnState }).own ??= new OwnState(await loader.fork());",
    test: SIMULATION,
  },
  {
    id: "CP6",
    file: "src/controller/controller.ts",
    bug: "a new active controller does not abort an open transaction",
    text: "const begun = controller.begin(isInTransaction);",
    replacement: "const begun = controller.begin(isInTransaction && epoch < 0);",
    test: SIMULATION,
  },
  {
    id: "CP7",
    file: "src/metadata/transaction_reader.ts",
    bug: "the records of an aborted transaction take effect",
    text: '"AbortTransactionRecord":\n          this.#buffered = null;',
    replacement:
      '"AbortTransactionRecord":\n          effective = effective.concat(this.#buffered ?? []);\n' +
      "          this.#buffered = null;",
    test: SIMULATION,
  },
  {
    id: "CP8",
    file: "src/metadata/loader.ts",
    bug: "a snapshot ends with the last record, not after it (KAFKA-14618)",
    text: "        endOffset: state.offset + 1,\n",
    replacement: "        endOffset: state.offset,\n",
    test: SIMULATION,
  },
  {
    id: "CP9",
    file: "src/raft/storage/raft_log.ts",
    bug: "the log is cut after the record that follows a snapshot (KAFKA-14238)",
    text: "this.#log.deleteRecordsBefore(id.endOffset);",
    replacement: "this.#log.deleteRecordsBefore(Math.min(id.endOffset + 1, this.endOffset));",
    test: SIMULATION,
  },
  {
    id: "CP10",
    file: "src/node/node.ts",
    bug: "a broker comes into service before it accepts connections",
    text: "    server.start();\n    await membership.enterService();\n",
    replacement: "    await membership.enterService();\n    server.start();\n",
    test: SIMULATION,
  },
  {
    id: "CP11",
    file: "src/broker/forwarding.ts",
    bug: "a broker answers a change that it has not applied yet",
    text: "    await this.#catchUp(api.name);\n",
    replacement: "",
    test: SIMULATION,
  },
  {
    id: "CP12",
    file: "src/controller/brokers/broker_watch.ts",
    bug: "a controller that was held up fences brokers whose heartbeats it has not read",
    text: "    if (lateMs > 0) this.#extendAll(lateMs);\n",
    replacement: "    if (lateMs < 0) this.#extendAll(lateMs);\n",
    test: SIMULATION,
  },
  {
    id: "CP13",
    file: "src/controller/brokers/liveness.ts",
    bug: "a new active controller fences all brokers at once (KAFKA-19130)",
    text: "      this.register(id, epoch, now);\n      if (fenced) this.end(id);\n",
    replacement:
      "      this.register(id, epoch, now - this.#sessionTimeoutMs);\n      if (fenced) this.end(id);\n",
    test: SIMULATION,
  },
  {
    id: "CP14",
    file: "src/controller/brokers/heartbeats.ts",
    bug: "a broker may stop before the others know who leads its partitions (KAFKA-14292)",
    text: 'return leadsAny(broker.id, image) ? "controlled shutdown" : "shut down";',
    replacement: 'return "shut down";',
    test: SIMULATION,
  },
  {
    id: "CP15",
    file: "src/controller/brokers/broker_watch.ts",
    bug: "two sessions end in one pass, and both are decided from the same state (KAFKA-13173)",
    text:
      '    run(() => {\n      // It may have registered again, or sent a heartbeat, while this decision waited for its turn.\n      const isSame = image.broker(brokerId)?.epoch === brokerEpoch &&\n        !this.#liveness.hasSession(brokerId, brokerEpoch, this.#now);\n      const records = isSame ? [...decideFence(brokerId, image)] : [];\n      isFenced = records.length > 0;\n      return { records, result: undefined };\n    }, { isDivisible: true, onApplied: () => this.#schedule() }).then(() => {\n      if (isFenced) logger.log("warn", `Fenced broker ${brokerId}: ${reason}`);\n    }, (error) => {\n      // The next active controller gives the broker a new session.\n      if (error instanceof KafkaError && error.code === ErrorCode.NOT_CONTROLLER) return;\n      logger.log("error", `Cannot fence broker ${brokerId}: ${(error as Error).message}`);\n    });\n  }\n\n  #onTimer(lateMs: number): void {\n    if (lateMs > 0) this.#extendAll(lateMs);\n    if (this.#nextDeadline <= this.#now) {\n      this.#confirmAt ??= this.#now + CONFIRM_MS;\n      if (this.#confirmAt <= this.#now) this.#fenceExpired();\n    }\n    this.#schedule();\n  }\n\n  #fenceExpired(): void {\n    const expired = this.#liveness.sweep(this.#now);\n    if (expired === undefined) return;\n    this.#fence(expired, "it has sent no heartbeat for a session timeout");\n',
    replacement:
      '    const records = [...decideFence(brokerId, image)];\n    run(() => {\n      isFenced = records.length > 0;\n      return { records, result: undefined };\n    }, { isDivisible: true, onApplied: () => this.#schedule() }).then(() => {\n      if (isFenced) logger.log("warn", `Fenced broker ${brokerId}: ${reason}`);\n    }, (error) => {\n      // The next active controller gives the broker a new session.\n      if (error instanceof KafkaError && error.code === ErrorCode.NOT_CONTROLLER) return;\n      logger.log("error", `Cannot fence broker ${brokerId}: ${(error as Error).message}`);\n    });\n  }\n\n  #onTimer(lateMs: number): void {\n    if (lateMs > 0) this.#extendAll(lateMs);\n    if (this.#nextDeadline <= this.#now) {\n      this.#confirmAt ??= this.#now + CONFIRM_MS;\n      if (this.#confirmAt <= this.#now) this.#fenceExpired();\n    }\n    this.#schedule();\n  }\n\n  #fenceExpired(): void {\n    for (let expired = this.#liveness.sweep(this.#now); expired !== undefined;) {\n      this.#fence(expired, "it has sent no heartbeat for a session timeout");\n      expired = this.#liveness.sweep(this.#now);\n    }\n',
    test: SIMULATION,
  },
  {
    id: "CP17",
    file: "src/controller/active/decision_queue.ts",
    bug: "changes under way are never answered when the leadership ends",
    text: "    this.#answers.rejectAll(reason);\n",
    replacement: "",
    test: SIMULATION,
  },
  {
    id: "CP18",
    file: "src/controller/brokers/fencing.ts",
    bug: "a fenced broker keeps its partitions",
    text:
      "  yield* moveLeaders(brokerId, image);\n  yield changeRegistration(broker, image, { fenced: true });",
    replacement: "  yield changeRegistration(broker, image, { fenced: true });",
    test: SIMULATION,
  },
  {
    id: "CP19",
    file: "src/broker/metadata_applier.ts",
    bug: "the log of a topic that was created again while its broker was down stays in the way",
    text: "if (!this.config.isAlone) await this.#quarantineReplaced(pause);",
    replacement: "if (this.config.isAlone) await this.#quarantineReplaced(pause);",
    test: STORIES,
  },
];
