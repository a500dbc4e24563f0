/**
 * ElectLeaders is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { electLeadersHandler as decides } from "../../controller/handlers/elect_leaders.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards ElectLeaders. */
export const electLeadersHandler: Handler<ForwardingNeeds> = forwarded(decides);
