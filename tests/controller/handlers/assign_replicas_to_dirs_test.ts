import { assertEquals } from "@std/assert";
import { assignReplicasToDirsHandler } from "../../../src/controller/handlers/assign_replicas_to_dirs.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { assignReplicasToDirs } from "../../../src/protocol/messages/assign_replicas_to_dirs.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { CHAT, EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { directory, registered } from "../fixture.ts";
import { asking, assertNotController, HOSTILE_IDS, withActive } from "./fixture.ts";

const DIRS = [directory(2), directory(2, 1)];
const RECORDS = [
  registered(1),
  registered(2, { logDirs: DIRS }),
  topic("events", EVENTS),
  partitionWith(EVENTS, 0, {
    replicas: [2, 1],
    isr: [2, 1],
    leader: 2,
    directories: [directory(2), directory(1)],
  }),
  partitionWith(EVENTS, 1, { replicas: [1], isr: [1], leader: 1, directories: [directory(1)] }),
];

function request(id: string, topicId: string, ...indexes: number[]) {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex }));
  return {
    brokerId: 2,
    brokerEpoch: 20,
    directories: [{ id, topics: [{ topicId, partitions }] }],
  };
}

test("AssignReplicasToDirs records the directory of each replica, and answers each partition", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, assignReplicasToDirsHandler, assignReplicasToDirs);
    const answer = await ask(0, request(DIRS[1]!, EVENTS, 0, 1, 2, -1, 2147483647));
    assertEquals([answer.throttleTimeMs, answer.errorCode], [0, 0]);
    const [{ id, topics }] = answer.directories as [typeof answer.directories[number]];
    assertEquals([id, topics.length, topics[0]!.topicId], [DIRS[1], 1, EVENTS]);
    assertEquals(
      topics[0]!.partitions.map(({ partitionIndex, errorCode }) =>
        `${partitionIndex} ${errorName(errorCode)}`
      ),
      [
        "0 NONE",
        "1 NOT_LEADER_OR_FOLLOWER",
        "2 UNKNOWN_TOPIC_OR_PARTITION",
        "-1 UNKNOWN_TOPIC_OR_PARTITION",
        "2147483647 UNKNOWN_TOPIC_OR_PARTITION",
      ],
    );
    const { partitions } = quorum.loader.image.topicById(EVENTS)!;
    assertEquals(partitions.map(({ directories }) => directories), [
      [DIRS[1]!, directory(1)],
      [directory(1)],
    ]);
  }));

test("AssignReplicasToDirs moves the leader away from a directory that is not registered", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, assignReplicasToDirsHandler, assignReplicasToDirs);
    await ask(0, request(directory(9), EVENTS, 0));
    const { leader, isr } = quorum.loader.image.topicById(EVENTS)!.partitions[0]!;
    assertEquals([leader, isr], [1, [1]]);
  }));

test("AssignReplicasToDirs answers unknown topics, and requests for nothing", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, assignReplicasToDirsHandler, assignReplicasToDirs);
    for (const topicId of [CHAT, ZERO_UUID]) {
      const { directories } = await ask(0, request(DIRS[0]!, topicId, 0));
      const [partition] = directories[0]!.topics[0]!.partitions;
      assertEquals(errorName(partition!.errorCode), "UNKNOWN_TOPIC_ID");
    }
    const nothing = { brokerId: 2, brokerEpoch: 20, directories: [] };
    assertEquals(await ask(0, nothing), { throttleTimeMs: 0, errorCode: 0, directories: [] });
  }));

test("AssignReplicasToDirs rejects requests for more than 2,250 replicas as a whole", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, assignReplicasToDirsHandler, assignReplicasToDirs);
    const codeFor = async (count: number) =>
      errorName((await ask(0, request(DIRS[1]!, EVENTS, ...Array(count).fill(0)))).errorCode);
    assertEquals(await codeFor(2_251), "INVALID_REQUEST");
    assertEquals(quorum.loader.image.topicById(EVENTS)!.partitions[0]!.directories[0], DIRS[0]);
    assertEquals(await codeFor(2_250), "NONE");
  }));

test("AssignReplicasToDirs rejects brokers that are not registered, and other epochs", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, assignReplicasToDirsHandler, assignReplicasToDirs);
    for (const brokerId of HOSTILE_IDS) {
      const { errorCode, directories } = await ask(0, {
        ...request(DIRS[1]!, EVENTS, 0),
        brokerId,
      });
      assertEquals([errorName(errorCode), directories], ["BROKER_ID_NOT_REGISTERED", []]);
    }
    for (const brokerEpoch of [-1, 19, 21]) {
      const { errorCode } = await ask(0, { ...request(DIRS[1]!, EVENTS, 0), brokerEpoch });
      assertEquals(errorName(errorCode), "STALE_BROKER_EPOCH");
    }
  }));

test("AssignReplicasToDirs answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(
    assignReplicasToDirsHandler,
    assignReplicasToDirs,
    request(DIRS[0]!, EVENTS, 0),
  ));
