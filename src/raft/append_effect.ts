/**
 * The appends of the core, executed on the log.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { Clock } from "../runtime/runtime.ts";
import { storedRecord } from "./control_records.ts";
import type { Effect } from "./core/effects.ts";
import { encodeControlBatch } from "./storage/control_batches.ts";
import type { RaftLog } from "./storage/raft_log.ts";

/** Appends to `log` what `effect` has, at the offsets that the core has assigned. */
export function appendTo(
  log: RaftLog,
  effect: Effect & { type: "append" | "append-control" | "append-fetched" },
  clock: Pick<Clock, "now">,
): void {
  if (effect.type === "append-fetched") {
    for (const { bytes, epoch, lastOffset } of effect.batches) {
      log.appendFetched(bytes, epoch);
      assert(log.endOffset === lastOffset + 1, `The metadata log did not take ${lastOffset}`);
    }
    return;
  }
  const { baseOffset, epoch } = effect;
  const batch = effect.type === "append" ? effect.payload : encodeControlBatch(
    effect.records.map(storedRecord),
    { leaderEpoch: epoch, timestampMs: clock.now() },
  );
  const range = log.append(batch, epoch);
  assert(range.baseOffset === baseOffset, `${range.baseOffset} was appended as ${baseOffset}`);
}
