/**
 * Applies decisions in random order to a cluster of brokers, with controllers that fail between two
 * records, and checks the invariants of partitions.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { decideBrokerRegistration } from "../../../src/controller/brokers/broker_registration.ts";
import {
  decideFence,
  decideUnregister,
  electLeaderless,
  leadsAny,
} from "../../../src/controller/brokers/fencing.ts";
import { decideHeartbeat } from "../../../src/controller/brokers/heartbeats.ts";
import { BrokerLiveness } from "../../../src/controller/brokers/liveness.ts";
import { ElectionType } from "../../../src/controller/elections.ts";
import { mayLeadIn, NO_LEADER, partitionChange } from "../../../src/controller/partition_change.ts";
import { partitionRecords } from "../../../src/controller/partitions.ts";
import { isActive, placeReplicas } from "../../../src/controller/placement.ts";
import type { BrokerImage, PartitionImage } from "../../../src/metadata/image.ts";
import { MetadataState } from "../../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { test } from "../../harness.ts";
import { decoded, topic } from "../../metadata/fixture.ts";
import { decideCreatePartitions, decideElectLeaders } from "../decisions.ts";
import { randomSource } from "../../protocol/records/record_helpers.ts";
import { directory, uuidOf } from "../fixture.ts";

const SEEDS = 60;
const BROKERS = 5;
const STEPS = 120;
const SESSION_MS = 1_000;
const CLUSTER_ID = uuidOf(500);

/** A broker process as it knows itself. */
interface Process {
  readonly incarnationId: string;
  epoch: number;
  isStopping: boolean;
}

/** A cluster whose controller is replaced now and then. */
class Cluster {
  readonly state = new MetadataState();
  readonly processes = new Map<number, Process>();
  readonly liveness = new BrokerLiveness({ sessionTimeoutMs: SESSION_MS });
  readonly below: (bound: number) => number;
  now = 0;
  #nextId = 3_000;
  #elections = 0;
  #isHealing = false;
  /** Brokers whose controlled shutdown was interrupted by a new controller. */
  readonly interrupted = new Set<number>();

  constructor(seed: number) {
    this.below = randomSource(seed);
  }

  newUuid(): string {
    return uuidOf(this.#nextId++);
  }

  get offset(): number {
    return this.state.offset + 1;
  }

  /**
   * Appends a decision. If the controller fails, appends only a part of it, lets another one take
   * over, and returns false.
   */
  append(records: Iterable<MetadataRecordInput>): boolean {
    const survives = this.#isHealing || this.below(10) > 0;
    let left = survives ? Infinity : this.below(4);
    for (const record of records) {
      if (left-- <= 0) break;
      this.#applyOne(record);
    }
    if (!survives) this.#takeOver();
    this.#checkAll();
    return survives;
  }

  #takeOver(): void {
    this.liveness.begin(this.state.brokers(), this.now);
    for (const { id, inControlledShutdown } of this.state.brokers()) {
      if (inControlledShutdown) this.interrupted.add(id);
    }
    for (const record of electLeaderless(this.state)) this.#applyOne(record);
  }

  #applyOne(record: MetadataRecordInput): void {
    const before = new Map(Array.from(this.state.topics(), (topic) => [topic.id, topic]));
    const brokers = new Map(Array.from(this.state.brokers(), (broker) => [broker.id, broker]));
    this.state.apply(decoded(record), this.offset, 1);
    for (const { id, partitions } of this.state.topics()) {
      for (const partition of partitions) {
        const old = before.get(id)?.partitions[partition.partition];
        if (old !== undefined && old !== partition) this.#checkChange(old, partition);
      }
    }
    for (const broker of this.state.brokers()) this.#checkBroker(brokers.get(broker.id), broker);
  }

  #checkBroker(before: BrokerImage | undefined, after: BrokerImage): void {
    if (before === undefined) return;
    assert(after.epoch >= before.epoch, `the epoch of broker ${after.id} goes back`);
    const isNew = after.incarnationId !== before.incarnationId;
    assertEquals(after.epoch > before.epoch, isNew, "a process has one epoch");
    if (isNew) assert(after.fenced, `broker ${after.id} starts in service`);
    if (after.fenced) assert(!leadsAny(after.id, this.state), `fenced broker ${after.id} leads`);
  }

  #checkChange(before: PartitionImage, after: PartitionImage): void {
    assertEquals(after.partitionEpoch, before.partitionEpoch + 1);
    const isNewLeader = after.leader !== before.leader;
    assertEquals(after.leaderEpoch, before.leaderEpoch + (isNewLeader ? 1 : 0));
    const isUnclean = after.leaderRecoveryState === 1 && isNewLeader;
    if (isNewLeader && after.leader !== NO_LEADER && !isUnclean) {
      assert(before.isr.includes(after.leader), "a leader may lack committed records");
      this.#elections++;
    }
  }

  /** Checks what holds between two decisions. */
  #checkAll(): void {
    for (const { partitions } of this.state.topics()) {
      for (const { replicas, isr, leader } of partitions) {
        assert(isr.length > 0 && new Set(isr).size === isr.length, `an ISR of ${isr}`);
        assert(isr.every((id) => replicas.includes(id)), `ISR ${isr} of replicas ${replicas}`);
        for (const id of isr) {
          const isInService = this.state.broker(id)?.fenced === false;
          assert(isInService || isr.length === 1, `fenced broker ${id} in ISR ${isr}`);
        }
        if (leader === NO_LEADER) continue;
        assert(isr.includes(leader), `leader ${leader} is not in ISR ${isr}`);
        const broker = this.state.broker(leader);
        assert(broker !== undefined && !broker.fenced, `leader ${leader} is out of service`);
        assert(isActive(broker) || this.interrupted.has(leader), `leader ${leader} shuts down`);
      }
    }
  }

  /** Fences the brokers whose sessions have ended, one after the other. */
  sweep(): void {
    for (;;) {
      const expired = this.liveness.sweep(this.now);
      if (expired === undefined) return;
      this.append(decideFence(expired.brokerId, this.state));
    }
  }

  register(id: number, { isClean }: { isClean: boolean }): void {
    const process = { incarnationId: this.newUuid(), epoch: -1, isStopping: false };
    const before = this.state.broker(id);
    const { cleanup, register } = decideBrokerRegistration({
      brokerId: id,
      clusterId: CLUSTER_ID,
      incarnationId: process.incarnationId,
      listeners: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
      features: [{ name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 }],
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [directory(id), directory(id, 1)],
      previousBrokerEpoch: isClean ? before?.epoch ?? -1 : -1,
    }, {
      image: this.state,
      clusterId: CLUSTER_ID,
      hasSession: before !== undefined && this.liveness.hasSession(id, before.epoch, this.now),
      controllerListenerNames: ["CONTROLLER"],
    });
    if (!this.append(cleanup)) return;
    const { records, brokerEpoch } = register(this.offset);
    process.epoch = brokerEpoch;
    this.append(records);
    this.processes.set(id, process);
    if (this.state.broker(id)?.epoch !== brokerEpoch) return;
    this.interrupted.delete(id);
    this.liveness.register(id, brokerEpoch, this.now);
  }

  heartbeat(id: number, { hasFailures }: { hasFailures: boolean }): void {
    const process = this.processes.get(id);
    if (process === undefined || this.state.broker(id)?.epoch !== process.epoch) return;
    const metadataOffset = this.offset - 1 - (this.#isHealing ? 0 : this.below(3));
    this.liveness.touch(id, process.epoch, this.now, metadataOffset);
    const shutdownOffset = this.liveness.shutdownOffset(id);
    const active = [...this.state.brokers()].filter((it) => it.id !== id && isActive(it));
    const decision = decideHeartbeat({
      brokerId: id,
      brokerEpoch: process.epoch,
      currentMetadataOffset: metadataOffset,
      wantFence: hasFailures && this.below(3) === 0,
      wantShutDown: process.isStopping,
      offlineLogDirs: hasFailures ? [directory(id, this.below(3))] : [],
    }, {
      image: this.state,
      lowestActiveOffset: this.liveness.lowestOffset(active.map((broker) => broker.id)),
      ...(shutdownOffset === undefined ? {} : { shutdownOffset }),
    });
    this.append(decision.records);
    if (decision.state === "controlled shutdown") {
      this.liveness.beginShutdown(id, this.offset - 1);
    } else if (decision.shouldShutDown) {
      this.liveness.end(id);
      this.processes.delete(id);
    }
  }

  createTopic(): void {
    const brokers = [...this.state.brokers()];
    if (!brokers.some(isActive)) return;
    const id = this.newUuid();
    const assignments = placeReplicas(brokers, {
      start: this.below(20),
      count: 1 + this.below(3),
      replicationFactor: 1 + this.below(Math.min(3, brokers.length)),
    });
    this.state.apply(
      decoded(topic(`t${id}`, id), ...partitionRecords(id, 0, assignments, this.state)),
      this.offset + assignments.length,
      1,
    );
  }

  addPartition(): void {
    const [first] = this.state.topics();
    if (first === undefined) return;
    const wanted = [{ name: first.name, count: first.partitions.length + 1 }];
    const { records } = decideCreatePartitions(wanted, { image: this.state, below: this.below });
    for (const record of records) this.#applyOne(record);
  }

  /** Every leader adds a replica that has caught up to the ISR. */
  expand(): void {
    const records: MetadataRecordInput[] = [];
    const mayLead = mayLeadIn(this.state);
    for (const { id, partitions } of this.state.topics()) {
      for (const partition of partitions) {
        const { replicas, isr, leader, directories } = partition;
        if (leader === NO_LEADER || !isActive(this.state.broker(leader)!)) continue;
        const joining = replicas.find((it, index) =>
          !isr.includes(it) && mayLead(it, directories[index]!)
        );
        if (joining === undefined) continue;
        const target = { isr: [...isr, joining], leaderRecoveryState: 0 };
        records.push(partitionChange(id, partition, target, { mayLead })!);
      }
    }
    this.append(records);
  }

  step(): void {
    this.now += this.below(120);
    this.sweep();
    const id = 1 + this.below(BROKERS);
    const action = this.below(100);
    if (action < 12) this.register(id, { isClean: action < 6 });
    else if (action < 60) this.heartbeat(id, { hasFailures: action < 18 });
    else if (action < 68) this.createTopic();
    else if (action < 70) this.addPartition();
    else if (action < 85) this.expand();
    else if (action < 89) this.#stop(id);
    else if (action < 91) this.#unregister(id);
    else {
      const type = action < 98 ? ElectionType.PREFERRED : ElectionType.UNCLEAN;
      this.append(decideElectLeaders(type, null, this.state).records);
    }
  }

  #stop(id: number): void {
    const process = this.processes.get(id);
    if (process !== undefined) process.isStopping = true;
  }

  #unregister(id: number): void {
    if (this.state.broker(id) !== undefined) this.append(decideUnregister(id, this.state));
    if (this.state.broker(id) === undefined) this.liveness.remove(id);
  }

  /**
   * Starts all brokers, under a controller that does not fail. Afterwards, all must be in service and
   * every partition must have a leader.
   */
  heal(): void {
    this.#isHealing = true;
    for (let round = 0; round < 10; round++) {
      for (let id = 1; id <= BROKERS; id++) {
        const isRegistered = this.state.broker(id)?.epoch === this.processes.get(id)?.epoch;
        const broker = this.state.broker(id);
        const hasLostDirectory = broker !== undefined && broker.logDirs.length < 2;
        if (!isRegistered || broker === undefined || hasLostDirectory) {
          this.register(id, { isClean: true });
        }
        this.processes.get(id)!.isStopping = false;
        this.heartbeat(id, { hasFailures: false });
      }
    }
    for (const { id, fenced, inControlledShutdown } of this.state.brokers()) {
      assertEquals({ id, fenced, inControlledShutdown }, {
        id,
        fenced: false,
        inControlledShutdown: false,
      });
    }
    for (const { partitions } of this.state.topics()) {
      for (const partition of partitions) assert(partition.leader !== NO_LEADER, "no leader");
    }
  }

  get elections(): number {
    return this.#elections;
  }
}

test("random schedules keep the invariants of partitions and brokers", () => {
  let elections = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const cluster = new Cluster(seed);
    try {
      for (let id = 1; id <= BROKERS; id++) cluster.register(id, { isClean: false });
      for (let step = 0; step < STEPS; step++) cluster.step();
      cluster.heal();
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    elections += cluster.elections;
  }
  assert(elections > 10 * SEEDS, `only ${elections} elections in ${SEEDS} seeds`);
});
