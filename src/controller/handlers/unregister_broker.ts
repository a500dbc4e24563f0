/**
 * UnregisterBroker removes the registration of a broker that has left the cluster for good (KIP-631). Other
 * brokers lead its partitions then; its replicas stay assigned to it. A broker that is still running cannot
 * return before it is started again.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { unregisterBroker } from "../../protocol/messages/unregister_broker.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves UnregisterBroker. */
export const unregisterBrokerHandler: Handler<Needs> = defineHandler(unregisterBroker, {
  async handle({ brokerId }, { services: { controller } }) {
    await controller.run((active) => active.unregisterBroker(brokerId));
    return { errorCode: ErrorCode.NONE, errorMessage: null };
  },
  onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage }),
});
