import { assert, assertEquals } from "@std/assert";
import { BatchIndex } from "../../src/log/batch_index.ts";
import { Chance } from "../protocol/chance.ts";
import { test } from "../harness.ts";

test("BatchIndex answers as a scan of its entries does", () => {
  for (let seed = 0; seed < 20; seed++) {
    const chance = new Chance(seed);
    const index = new BatchIndex();
    let entries: { offset: number; position: number; before: number }[] = [];
    let offset = 0;
    let position = 0;
    let before = -1;
    for (let step = 0; step < 200; step++) {
      if (chance.oneIn(20)) {
        const cut = chance.below(position + 10);
        index.truncate(cut);
        entries = entries.filter((entry) => entry.position < cut);
      } else {
        index.append(offset, position, before);
        entries.push({ offset, position, before });
        offset += 1 + chance.below(5);
        position += 61 + chance.below(100);
        before += chance.below(3);
      }
      if (chance.oneIn(10)) index.trim();
      assertEquals(index.length, entries.length);
      const wanted = chance.below(position + 10);
      const last = (has: (entry: typeof entries[number]) => boolean) => entries.findLastIndex(has);
      assertEquals(index.entryForOffset(wanted), last((entry) => entry.offset <= wanted));
      assertEquals(index.entryForPosition(wanted), last((entry) => entry.position <= wanted));
      assertEquals(index.entryForTimestamp(wanted), last((entry) => entry.before < wanted));
      assertEquals(index.lastPosition, entries.at(-1)?.position ?? -1);
    }
    for (const [i, entry] of entries.entries()) {
      assertEquals(index.relativeOffsetAt(i), entry.offset);
      assertEquals(index.positionAt(i), entry.position);
      assertEquals(index.maxTimestampBefore(i), entry.before);
    }
  }
});

test("BatchIndex takes 16 bytes an entry and none when empty", () => {
  const index = new BatchIndex();
  assertEquals(index.byteLength, 0);
  for (let i = 0; i < 1000; i++) index.append(i, i * 4096, i);
  assert(index.byteLength <= 2048 * 16);
  index.trim();
  assertEquals(index.byteLength, 1000 * 16);
});
