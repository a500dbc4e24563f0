/**
 * DescribeProducers returns the state of the idempotent and transactional producers of each
 * partition, with the first offset of an open transaction (KIP-664). With this request an operator
 * finds a transaction that was never ended and blocks readers of committed records.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { checkTopicName } from "../../controller/topic_names.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { describeProducers } from "../../protocol/messages/describe_producers.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { answerGroupsInTurns } from "../../network/server/turns.ts";
import type { Clock } from "../../runtime/runtime.ts";

interface Needs {
  readonly clock: Clock;
  readonly partitions: Pick<PartitionTable, "byName">;
}

/** Serves DescribeProducers. */
export const describeProducersHandler: Handler<Needs> = defineHandler(describeProducers, {
  async handle({ topics }, { services }) {
    const answers = await answerGroupsInTurns(
      topics,
      ({ partitionIndexes }) => partitionIndexes,
      (index, { name }) => describe(name, index, services.partitions),
      services.clock,
    );
    return { topics: topics.map(({ name }, at) => ({ name, partitions: answers[at]! })) };
  },
  onError: ({ topics }, errorCode, errorMessage) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => failed(index, errorCode, errorMessage)),
    })),
  }),
});

function describe(topic: string, partitionIndex: number, partitions: Needs["partitions"]) {
  try {
    checkTopicName(topic);
    const partition = partitions.byName(topic, partitionIndex);
    partition.checkLeader();
    return {
      partitionIndex,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      activeProducers: partition.log.activeProducers().map((producer) => ({
        producerId: producer.producerId,
        producerEpoch: producer.producerEpoch,
        lastSequence: producer.lastSequence,
        lastTimestamp: producer.lastTimestamp,
        coordinatorEpoch: producer.coordinatorEpoch,
        currentTxnStartOffset: producer.currentTransactionStartOffset,
      })),
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failed(partitionIndex, error.code, error.message);
  }
}

function failed(partitionIndex: number, errorCode: number, errorMessage: string) {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}
