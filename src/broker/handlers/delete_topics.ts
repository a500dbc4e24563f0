/**
 * DeleteTopics is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { deleteTopicsHandler as decides } from "../../controller/handlers/delete_topics.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards DeleteTopics. */
export const deleteTopicsHandler: Handler<ForwardingNeeds> = forwarded(decides);
