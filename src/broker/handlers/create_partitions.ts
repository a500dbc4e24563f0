/**
 * CreatePartitions is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions. After an attempt whose answer was lost, the answer is about both attempts.
 *
 * @module
 */
import { createPartitionsHandler as decides } from "../../controller/handlers/create_partitions.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";
import { type RepeatedChangeNeeds, repeatedGrowth } from "../repeated_change.ts";

/** Forwards CreatePartitions. */
export const createPartitionsHandler: Handler<ForwardingNeeds & RepeatedChangeNeeds> = forwarded(
  decides,
  repeatedGrowth,
);
