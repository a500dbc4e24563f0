/**
 * AssignReplicasToDirs records in which log directories a broker has placed its replicas (KIP-858). Each
 * replica succeeds or fails independently. BROKER_ID_NOT_REGISTERED and STALE_BROKER_EPOCH reject a
 * process that is not registered any more.
 *
 * Serves version 0, which is flexible. A request may have at most 2,250 replicas, as in Apache Kafka.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  assignReplicasToDirs,
  type AssignReplicasToDirsRequest,
} from "../../protocol/messages/assign_replicas_to_dirs.ts";
import type { Controller } from "../controller.ts";
import { MAX_ASSIGNED_REPLICAS } from "../brokers/directory_assignment.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves AssignReplicasToDirs. */
export const assignReplicasToDirsHandler: Handler<Needs> = defineHandler(assignReplicasToDirs, {
  async handle(request, { services }) {
    const count = replicasIn(request);
    if (count > MAX_ASSIGNED_REPLICAS) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Cannot assign ${count} replicas to directories: the maximum is ${MAX_ASSIGNED_REPLICAS}, ` +
          "split the request",
      );
    }
    const { directories } = await services.controller.run((active) =>
      active.assignReplicas(request)
    );
    return { errorCode: ErrorCode.NONE, directories };
  },
  onError: (_request, errorCode) => ({ errorCode, directories: [] }),
});

function replicasIn({ directories }: AssignReplicasToDirsRequest): number {
  return directories.flatMap(({ topics }) => topics)
    .reduce((sum, { partitions }) => sum + partitions.length, 0);
}
