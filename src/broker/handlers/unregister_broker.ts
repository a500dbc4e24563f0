/**
 * UnregisterBroker is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { unregisterBrokerHandler as decides } from "../../controller/handlers/unregister_broker.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards UnregisterBroker. */
export const unregisterBrokerHandler: Handler<ForwardingNeeds> = forwarded(decides);
