/**
 * DeleteTopics is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions. After an attempt whose answer was lost, the answer is about both attempts.
 *
 * @module
 */
import { deleteTopicsHandler as decides } from "../../controller/handlers/delete_topics.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";
import { type RepeatedChangeNeeds, repeatedDeletion } from "../repeated_change.ts";

/** Forwards DeleteTopics. */
export const deleteTopicsHandler: Handler<ForwardingNeeds & RepeatedChangeNeeds> = forwarded(
  decides,
  repeatedDeletion,
);
