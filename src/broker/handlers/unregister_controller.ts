/**
 * UnregisterController is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { unregisterControllerHandler as decides } from "../../controller/handlers/unregister_controller.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards UnregisterController. */
export const unregisterControllerHandler: Handler<ForwardingNeeds> = forwarded(decides);
