import { assert, assertEquals } from "@std/assert";
import { BatchIndex } from "../../../src/log/segments/batch_index.ts";
import { Chance } from "../../protocol/chance.ts";
import { test } from "../../harness.ts";

test("BatchIndex returns the same as a scan of its entries", () => {
  for (let seed = 0; seed < 20; seed++) {
    const chance = new Chance(seed);
    let index = new BatchIndex();
    let entries: { first: number; last: number; position: number }[] = [];
    let times: { timestamp: number; offset: number }[] = [];
    let offset = 0;
    let position = 61;
    let newest = -1;
    for (let step = 0; step < 200; step++) {
      if (chance.oneIn(20)) {
        const cut = chance.below(entries.length + 1);
        const first = entries[cut]?.first ?? offset;
        index.truncate(entries[cut]?.position ?? position, first);
        entries = entries.slice(0, cut);
        times = times.filter((time) => time.offset < first);
        newest = times.at(-1)?.timestamp ?? -1;
      } else {
        const last = offset + chance.below(5);
        index.append(offset, last, position);
        entries.push({ first: offset, last, position });
        const timestamp = Math.max(0, newest + chance.below(3) - 1);
        index.appendTimestamp(timestamp, last);
        if (timestamp > newest) times.push({ timestamp, offset: last });
        newest = Math.max(newest, timestamp);
        offset = last + 1;
        position += 61 + chance.below(100);
      }
      if (chance.oneIn(10)) index.trim();
      if (chance.oneIn(10)) {
        const loaded = new BatchIndex();
        loaded.adopt(index.offsetEntries(), index.timestampEntries());
        for (const [i, entry] of entries.entries()) {
          assertEquals(loaded.firstOffsetAt(i), -1);
          loaded.setFirstOffset(i, entry.first);
        }
        index = loaded;
      }
      assertEquals(index.length, entries.length);
      const wanted = chance.below(position + 10);
      const last = (has: (entry: typeof entries[number]) => boolean) => entries.findLastIndex(has);
      assertEquals(index.entryForOffset(wanted), last((entry) => entry.last <= wanted));
      assertEquals(index.entryForPosition(wanted), last((entry) => entry.position <= wanted));
      const timestamp = chance.below(newest + 5);
      assertEquals(
        index.offsetForTimestamp(timestamp),
        times.findLast((time) => time.timestamp <= timestamp)?.offset ?? 0,
      );
      assertEquals(index.lastPosition, entries.at(-1)?.position ?? 0);
      assertEquals(index.lastTimestamp, times.at(-1)?.timestamp ?? -1);
      assertEquals(index.lastTimestampOffset, times.at(-1)?.offset ?? -1);
    }
    for (const [i, entry] of entries.entries()) {
      assertEquals(index.lastOffsetAt(i), entry.last);
      assertEquals(index.firstOffsetAt(i), entry.first);
      assertEquals(index.positionAt(i), entry.position);
    }
  }
});

test("BatchIndex uses at most 24 bytes per entry, and none when empty", () => {
  const index = new BatchIndex();
  assertEquals(index.byteLength, 0);
  for (let i = 0; i < 1000; i++) {
    index.append(i, i, i * 4096);
    index.appendTimestamp(i, i);
  }
  assert(index.byteLength <= 2048 * 24);
  index.trim();
  assertEquals(index.byteLength, 1000 * 24);
  index.clear();
  assertEquals(index.byteLength, 0);
});
