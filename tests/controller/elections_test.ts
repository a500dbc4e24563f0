import { assertEquals, assertThrows } from "@std/assert";
import { ElectionType } from "../../src/controller/elections.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { test } from "../harness.ts";
import {
  broker,
  EVENTS,
  partition,
  type PartitionValue,
  partitionWith,
  topic,
} from "../metadata/fixture.ts";
import { decideElectLeaders } from "./decisions.ts";
import { imageOf } from "./fixture.ts";

const { PREFERRED, UNCLEAN } = ElectionType;
const NODE = 1;

/**
 * Elects a leader in "events", whose partition 0 has the given state. Returns outcome and record.
 */
function electOne(type: number, state: Partial<PartitionValue>): unknown[] {
  const image = imageOf(broker(NODE), topic("events", EVENTS), partitionWith(EVENTS, 0, state));
  const { records, results } = decideElectLeaders(
    type,
    [{ topic: "events", partitions: [0] }],
    image,
  );
  return [
    errorName(results[0]!.partitions[0]!.errorCode),
    ...records.map(({ value }) => value),
  ];
}

const elected = { topicId: EVENTS, partitionId: 0, leader: NODE };

test("a preferred election elects the first replica if it is in sync", () => {
  const cases: [Partial<PartitionValue>, unknown[]][] = [
    [{ replicas: [1, 2], isr: [1, 2], leader: 1 }, ["ELECTION_NOT_NEEDED"]],
    [{ replicas: [1, 2], isr: [1, 2], leader: 2 }, ["NONE", elected]],
    [{ replicas: [1, 2], isr: [1], leader: -1 }, ["NONE", elected]],
    [{ replicas: [1, 2], isr: [2], leader: 2 }, ["PREFERRED_LEADER_NOT_AVAILABLE"]],
    [
      { replicas: [1, 2], isr: [2], leader: 2, eligibleLeaderReplicas: [1] },
      ["PREFERRED_LEADER_NOT_AVAILABLE"],
    ],
    // Broker 2 is not registered.
    [{ replicas: [2, 1], isr: [1, 2], leader: 1 }, ["PREFERRED_LEADER_NOT_AVAILABLE"]],
  ];
  for (const [state, expected] of cases) assertEquals(electOne(PREFERRED, state), expected);
});

test("a preferred election elects an eligible replica of an empty ISR", () => {
  const state = { replicas: [1, 2], isr: [], leader: -1, eligibleLeaderReplicas: [2, 1] };
  assertEquals(electOne(PREFERRED, state), [
    "NONE",
    { ...elected, isr: [1], eligibleLeaderReplicas: [2] },
  ]);
});

test("an unclean election elects any replica of a partition without a leader", () => {
  const recovering = {
    ...elected,
    isr: [1],
    leaderRecoveryState: 1,
  };
  const cases: [Partial<PartitionValue>, unknown[]][] = [
    [{ replicas: [2, 1], isr: [2], leader: 2 }, ["ELECTION_NOT_NEEDED"]],
    [{ replicas: [2, 1], isr: [2], leader: -1 }, ["NONE", recovering]],
    [{ replicas: [2, 1], isr: [1, 2], leader: -1 }, ["NONE", elected]],
    [
      { replicas: [2, 1], isr: [2], leader: -1, eligibleLeaderReplicas: [1], lastKnownElr: [2] },
      ["NONE", { ...recovering, eligibleLeaderReplicas: [], lastKnownElr: [] }],
    ],
    [{ replicas: [2, 3], isr: [2], leader: -1 }, ["ELIGIBLE_LEADERS_NOT_AVAILABLE"]],
  ];
  for (const [state, expected] of cases) assertEquals(electOne(UNCLEAN, state), expected);
});

test("an election prefers in-sync replicas in the order of the assignment", () => {
  const image = imageOf(
    broker(1),
    broker(2),
    broker(3, { fenced: true }),
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, { replicas: [3, 2, 1], isr: [1, 2, 3], leader: -1 }),
    partitionWith(EVENTS, 1, { replicas: [2, 1], isr: [1, 2], leader: 1 }),
  );
  const elected = (type: number, index: number) =>
    decideElectLeaders(type, [{ topic: "events", partitions: [index] }], image).records
      .map(({ value }) => value);
  assertEquals(elected(UNCLEAN, 0), [{ topicId: EVENTS, partitionId: 0, leader: 2 }]);
  assertEquals(elected(PREFERRED, 0), []);
  assertEquals(elected(PREFERRED, 1), [{ topicId: EVENTS, partitionId: 1, leader: 2 }]);
});

test("an election of all partitions omits those that need none", () => {
  const image = imageOf(
    broker(NODE),
    topic("events", EVENTS),
    partition(EVENTS, 0),
    partitionWith(EVENTS, 1, { replicas: [1, 2], isr: [1, 2], leader: 2 }),
    partitionWith(EVENTS, 2, { replicas: [2, 1], isr: [2, 1], leader: 1 }),
  );
  const { records, results } = decideElectLeaders(PREFERRED, null, image);
  assertEquals(
    results.map(({ topic, partitions }) => [
      topic,
      ...partitions.map(({ partition, errorCode }) => `${partition} ${errorName(errorCode)}`),
    ]),
    [["events", "1 NONE", "2 PREFERRED_LEADER_NOT_AVAILABLE"]],
  );
  assertEquals(records.map(({ value }) => value), [{ ...elected, partitionId: 1 }]);
});

test("a partition named twice is elected once", () => {
  const image = imageOf(
    broker(NODE),
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, { replicas: [1, 2], isr: [1, 2], leader: 2 }),
  );
  const asked = [{ topic: "events", partitions: [0, 0] }];
  const { records, results } = decideElectLeaders(PREFERRED, asked, image);
  assertEquals(results[0]!.partitions.map(({ errorCode }) => errorName(errorCode)), [
    "NONE",
    "NONE",
  ]);
  assertEquals(records.length, 1);
});

test("an unknown election type is rejected", () => {
  const error = assertThrows(
    () => decideElectLeaders(2, null, imageOf()),
    KafkaError,
  );
  assertEquals(errorName(error.code), "INVALID_REQUEST");
});
