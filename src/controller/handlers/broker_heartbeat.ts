/**
 * BrokerHeartbeat keeps the session of a broker alive, and moves it through its life: it is unfenced when it has
 * the metadata, and shuts down when other brokers lead its partitions (KIP-631).
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds the log directories that failed (KIP-858), 2 those in
 * which no new replica may be placed (KIP-1066), which have no effect: brokers of this version have none, and report
 * null.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { brokerHeartbeat } from "../../protocol/messages/broker_heartbeat.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves BrokerHeartbeat. */
export const brokerHeartbeatHandler: Handler<Needs> = defineHandler(brokerHeartbeat, {
  async handle(request, { services: { controller } }) {
    const result = await controller.run((active) => active.heartbeat(request));
    return { errorCode: ErrorCode.NONE, ...result };
  },
  onError: (_request, errorCode) => ({ errorCode, shouldShutDown: false }),
});
