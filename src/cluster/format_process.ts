/**
 * The entry of the command `format`: the directories of a node on the disks of this process.
 *
 * @module
 */
import { formatNode, type FormatNodeOptions, type FormattedNode } from "../node/format_node.ts";
import { randomUuid } from "../protocol/uuid.ts";
import { hostRuntime } from "../runtime/host.ts";

export type { FirstControllers } from "../node/format_node.ts";

/** Formats the directories of a node: see `formatNode`. */
export function formatProcess(options: Omit<FormatNodeOptions, "runtime">): Promise<FormattedNode> {
  return formatNode({ ...options, runtime: hostRuntime() });
}

/** Returns a new id for a cluster or a directory. */
export function randomId(): string {
  return randomUuid(hostRuntime().random);
}
