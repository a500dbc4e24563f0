/**
 * AllocateProducerIds allocates a block of unused producer ids to a broker (KIP-730), which gives them to
 * producers one by one. BROKER_ID_NOT_REGISTERED and STALE_BROKER_EPOCH reject a process that is not
 * registered any more.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { allocateProducerIds } from "../../protocol/messages/allocate_producer_ids.ts";
import type { ActiveController } from "../active_controller.ts";

interface Needs {
  readonly controller: Pick<ActiveController, "allocateProducerIds">;
}

/** Serves AllocateProducerIds. */
export const allocateProducerIdsHandler: Handler<Needs> = defineHandler(allocateProducerIds, {
  async handle(request, { services }) {
    const block = await services.controller.allocateProducerIds(request);
    return { errorCode: ErrorCode.NONE, ...block };
  },
  onError: (_request, errorCode) => ({ errorCode, producerIdStart: -1, producerIdLen: 0 }),
});
