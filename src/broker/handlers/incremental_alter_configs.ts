/**
 * IncrementalAlterConfigs is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { incrementalAlterConfigsHandler as decides } from "../../controller/handlers/incremental_alter_configs.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards IncrementalAlterConfigs. */
export const incrementalAlterConfigsHandler: Handler<ForwardingNeeds> = forwarded(decides);
