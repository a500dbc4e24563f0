/**
 * AlterConfigs is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { alterConfigsHandler as decides } from "../../controller/handlers/alter_configs.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards AlterConfigs. */
export const alterConfigsHandler: Handler<ForwardingNeeds> = forwarded(decides);
