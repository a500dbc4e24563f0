/**
 * InitProducerId returns the id and the epoch by which the broker detects duplicate batches of a
 * producer (KIP-98).
 *
 * Serves versions 0 to 5. Version 2 is flexible, in version 3 a producer sends its previous id
 * (KIP-360), 4 and 5 allow new error codes (KIP-588, KIP-890). Without a transactional id the
 * answer is always a new id. With one it is CLUSTER_AUTHORIZATION_FAILED, with which every client
 * fails immediately: there is no transaction coordinator yet, as the message of FindCoordinator
 * says.
 *
 * @module
 */
import { initProducerId } from "../../protocol/messages/init_producer_id.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { ProducerIds } from "../producer_ids.ts";

interface Needs {
  readonly producerIds: Pick<ProducerIds, "next">;
}

/** Serves InitProducerId. */
export const initProducerIdHandler: Handler<Needs> = defineHandler(initProducerId, {
  async handle({ transactionalId, producerId, producerEpoch }, { services }) {
    if (transactionalId === "") return failed(ErrorCode.INVALID_REQUEST);
    if (transactionalId !== null) return failed(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    if ((producerId === -1) !== (producerEpoch === -1)) return failed(ErrorCode.INVALID_REQUEST);
    return { errorCode: 0, producerId: await services.producerIds.next(), producerEpoch: 0 };
  },
  onError: (_request, errorCode) => failed(errorCode),
});

function failed(errorCode: number) {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
