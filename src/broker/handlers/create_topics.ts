/**
 * CreateTopics is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { createTopicsHandler as decides } from "../../controller/handlers/create_topics.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards CreateTopics. */
export const createTopicsHandler: Handler<ForwardingNeeds> = forwarded(decides);
