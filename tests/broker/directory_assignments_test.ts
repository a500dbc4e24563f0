import { assertEquals } from "@std/assert";
import { DirectoryAssignments } from "../../src/broker/directory_assignments.ts";
import { ErrorCode } from "../../src/protocol/errors.ts";
import {
  assignReplicasToDirs,
  type AssignReplicasToDirsRequest,
} from "../../src/protocol/messages/assign_replicas_to_dirs.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { imageOf } from "../controller/fixture.ts";
import { test } from "../harness.ts";
import { broker, CHAT, EVENTS, partition, topic } from "../metadata/fixture.ts";
import {
  answering,
  MovedController,
  OWN,
  ownController,
  withChannel,
} from "./controller_fixture.ts";
import { settle } from "./direct_broker.ts";
import { manualClock } from "./manual_clock.ts";

const ONE = "4aKkGA0ISBCOdhh3DvpjpQ";
const TWO = "2p8GUW6bSo6YcxPnGUQ0zw";

/** The replicas in a request, as `directory topic-partition`. */
function replicasIn({ directories }: AssignReplicasToDirsRequest): string[] {
  return directories.flatMap(({ id, topics }) =>
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex }) => `${id} ${topicId}-${partitionIndex}`)
    )
  );
}

/** The parts of a test. */
interface Parts {
  readonly assignments: DirectoryAssignments;
  readonly requests: AssignReplicasToDirsRequest[];
  readonly clock: ReturnType<typeof manualClock>;
  readonly messages: string[];
  /** The code for the whole answer, and those for replicas by partition. */
  readonly codes: { whole: number; replicas: Map<number, number> };
}

/** Calls `use` with a broker that has `count` partitions of the topic "chat". */
function withAssignments(use: (parts: Parts) => Promise<void>, count = 3): Promise<void> {
  const clock = manualClock();
  const requests: AssignReplicasToDirsRequest[] = [];
  const messages: string[] = [];
  const codes: Parts["codes"] = { whole: ErrorCode.NONE, replicas: new Map() };
  const own = ownController([
    answering(assignReplicasToDirs, (request) => {
      requests.push(request);
      if (codes.whole !== ErrorCode.NONE) return { errorCode: codes.whole, directories: [] };
      return {
        errorCode: ErrorCode.NONE,
        directories: request.directories.map(({ id, topics }) => ({
          id,
          topics: topics.map(({ topicId, partitions }) => ({
            topicId,
            partitions: partitions.map(({ partitionIndex }) => ({
              partitionIndex,
              errorCode: codes.replicas.get(partitionIndex) ?? ErrorCode.NONE,
            })),
          })),
        })),
      };
    }),
  ]);
  const partitions = Array.from({ length: count }, (_, index) => partition(CHAT, index));
  const image = imageOf(broker(1), topic("chat", CHAT), ...partitions);
  return withChannel({ location: new MovedController(OWN), own }, async (channel) => {
    const assignments = new DirectoryAssignments({
      runtime: { ...hostRuntime(), clock },
      channel,
      nodeId: 1,
      brokerEpoch: () => 41,
      image: () => image,
      logger: { log: (_level, message) => void messages.push(message) },
    });
    await use({ assignments, requests, clock, messages, codes });
    assignments.stop();
  });
}

function assign(index: number, directoryId = ONE, topicId = CHAT) {
  return { topicId, partition: index, directoryId };
}

test("assignments are reported by directory and topic", () =>
  withAssignments(async ({ assignments, requests }) => {
    assignments.add([assign(0), assign(1, TWO), assign(2)]);
    await settle();
    assertEquals(requests, [{
      brokerId: 1,
      brokerEpoch: 41,
      directories: [
        {
          id: ONE,
          topics: [{ topicId: CHAT, partitions: [{ partitionIndex: 0 }, { partitionIndex: 2 }] }],
        },
        { id: TWO, topics: [{ topicId: CHAT, partitions: [{ partitionIndex: 1 }] }] },
      ],
    }]);
    assertEquals(assignments.size, 0);
  }));

test("at most 2,250 replicas are reported at once", () =>
  withAssignments(async ({ assignments, requests }) => {
    assignments.add(Array.from({ length: 5_000 }, (_, index) => assign(index)));
    await settle();
    await settle();
    assertEquals(requests.map((request) => replicasIn(request).length), [2_250, 2_250, 500]);
    assertEquals(new Set(requests.flatMap(replicasIn)).size, 5_000);
  }, 5_000));

test("assignments of deleted topics are not reported, nor again", () =>
  withAssignments(async ({ assignments, requests, codes, clock }) => {
    const { UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER } = ErrorCode;
    codes.replicas = new Map([
      [0, UNKNOWN_TOPIC_ID],
      [1, UNKNOWN_TOPIC_OR_PARTITION],
      [2, NOT_LEADER_OR_FOLLOWER],
    ]);
    assignments.add([assign(0), assign(1), assign(2), assign(0, ONE, EVENTS), assign(9)]);
    await settle();
    assertEquals(requests.map((request) => replicasIn(request).length), [3]);
    assertEquals([assignments.size, clock.pending()], [0, 0]);
  }));

for (const code of [ErrorCode.STALE_BROKER_EPOCH, ErrorCode.BROKER_ID_NOT_REGISTERED]) {
  test(`assignments are reported again after error ${code}`, () =>
    withAssignments(async ({ assignments, requests, codes, clock, messages }) => {
      codes.whole = code;
      assignments.add([assign(0)]);
      await settle();
      assertEquals([assignments.size, messages.length], [1, 1]);
      codes.whole = ErrorCode.NONE;
      clock.advance(2_000);
      await settle();
      assertEquals([requests.length, assignments.size, clock.pending()], [2, 0, 0]);
    }));
}

test("only replicas that have failed are reported again, with their newest directory", () =>
  withAssignments(async ({ assignments, requests, codes, clock }) => {
    codes.replicas.set(1, ErrorCode.UNKNOWN_SERVER_ERROR);
    assignments.add([assign(0), assign(1), assign(2)]);
    await settle();
    assertEquals(assignments.size, 1);
    codes.replicas.clear();
    assignments.add([assign(1, TWO)]);
    clock.advance(2_000);
    await settle();
    assertEquals(requests.slice(1).flatMap(replicasIn), [`${TWO} ${CHAT}-1`]);
    assertEquals(assignments.size, 0);
  }));

test("a directory that changes while it is reported is reported again", () =>
  withAssignments(async ({ assignments, requests }) => {
    assignments.add([assign(0)]);
    assignments.add([assign(0, TWO)]);
    await settle();
    assertEquals(requests.flatMap(replicasIn), [`${ONE} ${CHAT}-0`, `${TWO} ${CHAT}-0`]);
    assertEquals(assignments.size, 0);
  }));

test("stop() ends the attempts", () =>
  withAssignments(async ({ assignments, codes, clock, requests }) => {
    codes.whole = ErrorCode.STALE_BROKER_EPOCH;
    assignments.add([assign(0)]);
    await settle();
    assignments.stop();
    assertEquals(clock.pending(), 0);
    assignments.add([assign(1)]);
    await settle();
    assertEquals(requests.length, 1);
  }));
