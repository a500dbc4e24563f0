/**
 * BrokerRegistration registers a broker that starts, with its listeners, features and log directories
 * (KIP-631). The answer has the broker's epoch, with which it identifies itself in its later requests. The
 * broker stays fenced until its heartbeats show that it has the metadata.
 *
 * Serves versions 0 to 4, all flexible. Version 1 adds brokers that migrate from ZooKeeper (KIP-866), which
 * are rejected. Version 2 adds the log directories (KIP-858), which every `metadata.version` of this version
 * needs: a broker of an older version is answered INVALID_REGISTRATION. Version 3 adds the epoch before a clean
 * shutdown (KIP-966), 4 features whose minimum level is 0.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { brokerRegistration } from "../../protocol/messages/broker_registration.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves BrokerRegistration. */
export const brokerRegistrationHandler: Handler<Needs> = defineHandler(brokerRegistration, {
  async handle(request, { services: { controller } }) {
    const { brokerEpoch } = await controller.run((active) => active.registerBroker(request));
    return { errorCode: ErrorCode.NONE, brokerEpoch };
  },
  onError: (_request, errorCode) => ({ errorCode }),
});
