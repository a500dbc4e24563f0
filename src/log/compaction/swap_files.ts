/**
 * The names under which compaction keeps files while one segment takes the place of others, and what
 * a start makes of those that a crash has left. Names and rules are Apache Kafka's:
 *
 * 1. What is kept is written to `<offset>.log.cleaned` and brought to the disk. Found at a start, it
 *    is removed: nothing has happened yet.
 * 2. Renamed, it is `<offset>.log.swap`. Found at a start, the old segments that it covers go, and it
 *    takes their place: the exchange has been decided.
 * 3. The old segments become `<offset>.log.deleted`, for those who still read them. Found at a start,
 *    they are removed.
 * 4. Only when their names are on the disk, the new segment becomes `<offset>.log`.
 *
 * A `.txnindex` goes the same way, its log before it.
 *
 * @module
 */
import type { FileSystem } from "../../runtime/runtime.ts";
import { BatchScanner, WALK_WINDOW } from "../segments/batch_scanner.ts";

/** What a segment that is being written by compaction ends in. */
export const CLEANED_SUFFIX = ".cleaned";
/** What a segment that takes the place of others ends in until it has. */
export const SWAP_SUFFIX = ".swap";
/** What a segment ends in that has been replaced and may still be read. */
export const DELETED_SUFFIX = ".deleted";

const SEGMENT_FILE =
  /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(\.cleaned|\.swap|\.deleted)?$/;

interface SegmentFile {
  readonly name: string;
  readonly baseOffset: number;
  readonly kind: string;
  readonly suffix: string;
}

/**
 * Removes what an exchange that was not decided has left in `directory`, whose files are `names`, and
 * the segments that one that was has replaced. Returns the names that are left. The `.log.swap` files
 * among them are to be used as they are, and get their names once the removals are on the disk.
 * Throws a `FileError`.
 */
export function settleSwaps(
  files: FileSystem,
  directory: string,
  names: ReadonlySet<string>,
): ReadonlySet<string> {
  const found = [...names].map(parse).filter((file) => file !== null);
  if (found.every((file) => file.suffix === "")) return names;
  const remove = (file: SegmentFile): void => files.remove(`${directory}/${file.name}`);
  const cleaned = found.filter((file) => file.suffix === CLEANED_SUFFIX);
  const firstCleaned = Math.min(Infinity, ...cleaned.map((file) => file.baseOffset));
  const swaps = found.filter((file) => file.suffix === SWAP_SUFFIX);
  // A `.swap` at or behind a `.cleaned` belongs to an exchange whose renaming was not finished.
  for (const file of swaps) if (file.baseOffset >= firstCleaned) remove(file);
  // Last, since their presence is what condemned the others.
  for (const file of cleaned) remove(file);
  finishDeletions(found, remove);
  const valid = swaps.filter((file) => file.baseOffset < firstCleaned);
  const logs = valid.filter((file) => file.kind === "log");
  for (const log of logs) {
    const end = endOffsetOf(files, `${directory}/${log.name}`, log.baseOffset);
    for (const file of found) {
      const isCovered = file.baseOffset >= log.baseOffset && file.baseOffset < end;
      // A snapshot tells of the producers before the segment of its name, which is there still.
      const isNeeded = file.kind === "snapshot" && file.baseOffset === log.baseOffset;
      if (file.suffix === "" && isCovered && !isNeeded) remove(file);
    }
  }
  for (const file of valid) {
    if (logs.some(({ baseOffset }) => baseOffset === file.baseOffset)) continue;
    // Its log has its name already.
    const path = `${directory}/${file.name}`;
    files.rename(path, path.slice(0, -SWAP_SUFFIX.length));
  }
  return new Set(files.list(directory).map(({ name }) => name));
}

/**
 * Removes what is called `.deleted`. A process that was killed between the renamings of one segment's
 * files has left its indexes under their own names; they go first, since what they would tell without
 * their log is that somebody has removed it.
 */
function finishDeletions(
  found: readonly SegmentFile[],
  remove: (file: SegmentFile) => void,
): void {
  const basesOf = (suffixes: readonly string[]): Set<number> =>
    new Set(
      found.filter(({ kind, suffix }) => kind === "log" && suffixes.includes(suffix))
        .map(({ baseOffset }) => baseOffset),
    );
  const deleted = basesOf([DELETED_SUFFIX]);
  const kept = basesOf(["", SWAP_SUFFIX]);
  const isLeft = ({ baseOffset, suffix }: SegmentFile): boolean =>
    suffix === "" && deleted.has(baseOffset) && !kept.has(baseOffset);
  for (const file of found) if (isLeft(file)) remove(file);
  const doomed = found.filter(({ suffix }) => suffix === DELETED_SUFFIX);
  for (const file of doomed) if (file.kind !== "log") remove(file);
  for (const file of doomed) if (file.kind === "log") remove(file);
}

function parse(name: string): SegmentFile | null {
  const match = SEGMENT_FILE.exec(name);
  if (match === null) return null;
  const [, digits, kind, suffix] = match;
  return { name, baseOffset: Number(digits), kind: kind!, suffix: suffix ?? "" };
}

/** The offset behind the last batch of the file, or behind `baseOffset` where there is none. */
function endOffsetOf(files: FileSystem, path: string, baseOffset: number): number {
  const file = files.open(path, "read");
  try {
    const scanner = new BatchScanner(file, 0, file.size(), WALK_WINDOW);
    let end = baseOffset + 1;
    while (scanner.next()) end = scanner.lastOffset + 1;
    return end;
  } finally {
    file.close();
  }
}
