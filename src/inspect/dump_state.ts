/**
 * The lines that Kafka's dump tool prints for a producer `.snapshot` and a `.txnindex`.
 *
 * @module
 */
import { decodeProducerSnapshot } from "../log/producers/producer_snapshot_format.ts";
import { decodeTransactionIndex } from "../log/segments/transaction_index_format.ts";

const LARGEST_SEQUENCE = 2_147_483_647;

/** Yields the lines for a `.snapshot`. Throws KAFKA_STORAGE_ERROR, naming `path`, if it is damaged. */
export function dumpProducerSnapshot(bytes: Uint8Array, path: string): string[] {
  return decodeProducerSnapshot(bytes, path).map((entry) => {
    const start = entry.currentTransactionStartOffset;
    const line = `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
      `coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ` +
      `${start < 0 ? "OptionalLong.empty" : `OptionalLong[${start}]`} ` +
      `lastTimestamp: ${entry.lastTimestamp} `;
    if (entry.lastOffset < 0) return line;
    const difference = entry.lastSequence - entry.offsetDelta;
    const firstSequence = difference < 0 ? difference + LARGEST_SEQUENCE + 1 : difference;
    return `${line}firstSequence: ${firstSequence} lastSequence: ${entry.lastSequence} ` +
      `lastOffset: ${entry.lastOffset} offsetDelta: ${entry.offsetDelta} ` +
      `timestamp: ${entry.lastTimestamp}`;
  });
}

/** Yields the lines for a `.txnindex`. */
export function dumpTransactionIndex(
  bytes: Uint8Array,
  path: string,
  complain: (line: string) => void,
): string[] {
  const { entries, problem } = decodeTransactionIndex(bytes);
  if (problem !== null) complain(`Corrupt transaction index found (${path}): ${problem}`);
  return entries.map((entry) =>
    `version: 0 producerId: ${entry.producerId} firstOffset: ${entry.firstOffset} ` +
    `lastOffset: ${entry.lastOffset} lastStableOffset: ${entry.lastStableOffset}`
  );
}
