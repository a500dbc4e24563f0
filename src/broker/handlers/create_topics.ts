/**
 * CreateTopics is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions. After an attempt whose answer was lost, the answer is about both attempts.
 *
 * @module
 */
import { createTopicsHandler as decides } from "../../controller/handlers/create_topics.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";
import { type RepeatedChangeNeeds, repeatedCreation } from "../repeated_change.ts";

/** Forwards CreateTopics. */
export const createTopicsHandler: Handler<ForwardingNeeds & RepeatedChangeNeeds> = forwarded(
  decides,
  repeatedCreation,
);
