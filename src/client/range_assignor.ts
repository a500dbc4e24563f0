/**
 * Kafka's `range` assignment: the partitions of each topic, in order, in runs of nearly equal length
 * to the members that subscribe to it, in the order of their ids.
 *
 * @module
 */

/** A member of a group and what it wants to read. */
export interface Subscriber {
  readonly memberId: string;
  /** A static member's name: it goes before the id, so that a restart changes nothing. */
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
}

/** Partitions by topic. */
export type Assignment = Map<string, number[]>;

/** Who reads what. Topics that `partitionCounts` lacks are nobody's. */
export function assignRanges(
  members: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, Assignment> {
  const assignments = new Map(members.map(({ memberId }) => [memberId, new Map() as Assignment]));
  const ordered = [...members].sort(compareMembers);
  for (const [topic, partitionCount] of partitionCounts) {
    const readers = ordered.filter(({ topics }) => topics.includes(topic));
    let next = 0;
    readers.forEach(({ memberId }, index) => {
      const share = Math.floor(partitionCount / readers.length) +
        (index < partitionCount % readers.length ? 1 : 0);
      if (share === 0) return;
      const partitions = Array.from({ length: share }, (_, i) => next + i);
      assignments.get(memberId)!.set(topic, partitions);
      next += share;
    });
  }
  return assignments;
}

/** Static members first, by their name; the others by their id. */
function compareMembers(a: Subscriber, b: Subscriber): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareText(a.groupInstanceId, b.groupInstanceId);
  }
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

/** By code units, as Java compares strings: every client must come to the same order. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
