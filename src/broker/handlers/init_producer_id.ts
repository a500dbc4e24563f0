/**
 * InitProducerId gives a producer the id and epoch under which its batches are recognised when they
 * are sent twice (KIP-98).
 *
 * Versions 0 to 5. Version 2 is flexible, 3 lets a producer name the id it had (KIP-360), 4 and 5
 * allow new error codes (KIP-588, KIP-890). Without a transactional id the answer is always a new id.
 * With one it is CLUSTER_AUTHORIZATION_FAILED, on which every client fails at once: there is no
 * transaction coordinator yet, and the answer to FindCoordinator says so in words.
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
