import { assertEquals } from "@std/assert";
import { allocateProducerIdsHandler } from "../../../src/controller/handlers/allocate_producer_ids.ts";
import { assignReplicasToDirsHandler } from "../../../src/controller/handlers/assign_replicas_to_dirs.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { allocateProducerIds } from "../../../src/protocol/messages/allocate_producer_ids.ts";
import { assignReplicasToDirs } from "../../../src/protocol/messages/assign_replicas_to_dirs.ts";
import { test } from "../../harness.ts";
import { CHAT } from "../../metadata/fixture.ts";
import { askHandler } from "../../network/server/ask_handler.ts";

const DIRECTORY = "4aKkGA0ISBCOdhh3DvpjpQ";

/** A request of broker 1 about the first `count` partitions of a topic. */
function assignment(count: number) {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex }));
  return {
    brokerId: 1,
    brokerEpoch: 41,
    directories: [{ id: DIRECTORY, topics: [{ topicId: CHAT, partitions }] }],
  };
}

test("AllocateProducerIds returns the block of the controller, or its error", async () => {
  const ask = (result: () => { producerIdStart: number; producerIdLen: number }) =>
    askHandler(allocateProducerIdsHandler, allocateProducerIds, 0, {
      brokerId: 1,
      brokerEpoch: 41,
    }, {
      services: {
        controller: {
          allocateProducerIds(request) {
            assertEquals(request, { brokerId: 1, brokerEpoch: 41 });
            return Promise.resolve().then(result);
          },
        },
      },
    });
  assertEquals(await ask(() => ({ producerIdStart: 3_000, producerIdLen: 1_000 })), {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    producerIdStart: 3_000,
    producerIdLen: 1_000,
  });
  const { errorCode } = await ask(() => {
    throw new KafkaError(ErrorCode.STALE_BROKER_EPOCH, "Cannot allocate");
  });
  assertEquals(errorCode, ErrorCode.STALE_BROKER_EPOCH);
});

test("AssignReplicasToDirs returns an error for each replica and accepts 2,250 of them", async () => {
  const received: number[] = [];
  const ask = (count: number) =>
    askHandler(assignReplicasToDirsHandler, assignReplicasToDirs, 0, assignment(count), {
      services: {
        controller: {
          assignReplicas({ directories }) {
            received.push(directories[0]!.topics[0]!.partitions.length);
            return Promise.resolve({
              directories: [{
                id: DIRECTORY,
                topics: [{
                  topicId: CHAT,
                  partitions: [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }],
                }],
              }],
            });
          },
        },
      },
    });
  const { errorCode, directories } = await ask(2_250);
  assertEquals(errorCode, ErrorCode.NONE);
  assertEquals(directories[0]!.topics[0]!.partitions, [{
    partitionIndex: 0,
    errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
  }]);
  assertEquals(await ask(2_251), {
    throttleTimeMs: 0,
    errorCode: ErrorCode.INVALID_REQUEST,
    directories: [],
  });
  assertEquals(received, [2_250]);
});
