import { assertEquals } from "@std/assert";
import { decideAssignReplicas } from "../../../src/controller/brokers/directory_assignment.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { UNASSIGNED_DIRECTORY } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { CHAT, EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { changes, directory, imageOf, refusal, registered } from "../fixture.ts";

const FIRST = directory(1);
const SECOND = directory(1, 1);

const placed = (index: number, replicas: number[], leader: number) =>
  partitionWith(EVENTS, index, {
    replicas,
    isr: replicas,
    leader,
    directories: replicas.map((id) => id === 1 ? UNASSIGNED_DIRECTORY : directory(id)),
  });

const CLUSTER = [
  registered(1, { logDirs: [FIRST, SECOND] }),
  registered(2),
  topic("events", EVENTS),
  placed(0, [1, 2], 1),
  placed(1, [2], 2),
  placed(2, [2, 1], 2),
];

/** Assigns partitions of broker 1. Returns the errors and the records. */
function assign(
  directories: Record<string, [topicId: string, partition: number][]>,
  brokerEpoch = 10,
): [string[], string[]] {
  const decision = decideAssignReplicas({
    brokerId: 1,
    brokerEpoch,
    directories: Object.entries(directories).map(([id, assigned]) => ({
      id,
      topics: assigned.map(([topicId, partitionIndex]) => ({
        topicId,
        partitions: [{ partitionIndex }],
      })),
    })),
  }, imageOf(...CLUSTER));
  const errors = decision.directories.flatMap(({ topics }) =>
    topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)))
  );
  return [errors, changes(decision.records)];
}

test("decideAssignReplicas() records the directories of the broker's replicas", () => {
  const [errors, records] = assign({ [FIRST]: [[EVENTS, 0]], [SECOND]: [[EVENTS, 2]] });
  assertEquals(errors, ["NONE", "NONE"]);
  assertEquals(records, [
    `0: directories=${FIRST},${directory(2)}`,
    `2: directories=${directory(2)},${SECOND}`,
  ]);
});

test("decideAssignReplicas() decides about each replica independently", () => {
  const [errors, records] = assign({
    [FIRST]: [[CHAT, 0], [EVENTS, 9], [EVENTS, 1], [EVENTS, 0]],
  });
  assertEquals(errors, [
    "UNKNOWN_TOPIC_ID",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NOT_LEADER_OR_FOLLOWER",
    "NONE",
  ]);
  assertEquals(records.length, 1);
});

test("decideAssignReplicas() takes replicas in a failed directory out of service", () => {
  const failed = directory(1, 9);
  assertEquals(assign({ [failed]: [[EVENTS, 0], [EVENTS, 2]] })[1], [
    `0: leader=2 isr=2 directories=${failed},${directory(2)}`,
    `2: isr=2 directories=${directory(2)},${failed}`,
  ]);
});

test("decideAssignReplicas() uses the last assignment of a replica", () => {
  const [errors, records] = assign({ [FIRST]: [[EVENTS, 0]], [SECOND]: [[EVENTS, 0]] });
  assertEquals(errors, ["NONE", "NONE"]);
  assertEquals(records, [`0: directories=${SECOND},${directory(2)}`]);
  assertEquals(assign({ [FIRST]: [[EVENTS, 0]], [UNASSIGNED_DIRECTORY]: [[EVENTS, 0]] })[1], []);
});

test("decideAssignReplicas() refuses an earlier registration", () => {
  assertEquals(refusal(() => assign({}, 9)).split(":")[0], "STALE_BROKER_EPOCH");
});
