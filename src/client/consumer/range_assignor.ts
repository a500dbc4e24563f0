/**
 * Kafka's `range` assignment: divides the partitions of each topic, in order, into ranges of nearly
 * equal size for the members that subscribe to it, in the order of their ids.
 *
 * @module
 */

/** A member of a group and its subscription. */
export interface Subscriber {
  readonly memberId: string;
  /**
   * The static id of the member. It is sorted by this id, so that a restart does not change the
   * assignment.
   */
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
}

/** Partitions by topic. */
export type Assignment = Map<string, number[]>;

/** Returns the partitions of each member. Topics missing in `partitionCounts` are not assigned. */
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

/** Sorts static members first, by their static id; the others by their member id. */
function compareMembers(a: Subscriber, b: Subscriber): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareText(a.groupInstanceId, b.groupInstanceId);
  }
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

/** Compares code units, like Java: every client must use the same order. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
