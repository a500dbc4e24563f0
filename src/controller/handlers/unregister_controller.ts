/**
 * UnregisterController removes the registration of a controller that has left the cluster for good
 * (KIP-1312). It does not change the quorum: RemoveRaftVoter does, and a controller that is running registers
 * again.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { unregisterController } from "../../protocol/messages/unregister_controller.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves UnregisterController. */
export const unregisterControllerHandler: Handler<Needs> = defineHandler(unregisterController, {
  async handle({ controllerId }, { services: { controller } }) {
    await controller.run((active) => active.unregisterController(controllerId));
    return { errorCode: ErrorCode.NONE, errorMessage: null };
  },
  onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage }),
});
