/**
 * AllocateProducerIds allocates a block of producer ids to a broker, which gives them to its producers
 * (KIP-730). No id is allocated twice; the ids of a lost answer stay unused.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { allocateProducerIds } from "../../protocol/messages/allocate_producer_ids.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves AllocateProducerIds. */
export const allocateProducerIdsHandler: Handler<Needs> = defineHandler(allocateProducerIds, {
  async handle(request, { services: { controller } }) {
    const block = await controller.run((active) => active.allocateProducerIds(request));
    return { errorCode: ErrorCode.NONE, ...block };
  },
  onError: (_request, errorCode) => ({ errorCode, producerIdStart: 0, producerIdLen: 0 }),
});
