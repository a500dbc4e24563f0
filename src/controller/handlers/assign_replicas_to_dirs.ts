/**
 * AssignReplicasToDirs records in which log directories a broker holds its replicas (KIP-858), so that the
 * controller knows which replicas fail with a directory. Each partition succeeds or fails independently.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { assignReplicasToDirs } from "../../protocol/messages/assign_replicas_to_dirs.ts";
import type { Controller } from "../controller.ts";

type Response = ResponseInputOf<typeof assignReplicasToDirs>;

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves AssignReplicasToDirs. */
export const assignReplicasToDirsHandler: Handler<Needs> = defineHandler(assignReplicasToDirs, {
  async handle(request, { services: { controller } }): Promise<Response> {
    const { directories } = await controller.run((active) => active.assignReplicas(request));
    return { errorCode: ErrorCode.NONE, directories };
  },
  onError: (_request, errorCode) => ({ errorCode, directories: [] }),
});
