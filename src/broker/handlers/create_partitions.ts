/**
 * CreatePartitions is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { createPartitionsHandler as decides } from "../../controller/handlers/create_partitions.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards CreatePartitions. */
export const createPartitionsHandler: Handler<ForwardingNeeds> = forwarded(decides);
