import { assert, assertEquals } from "@std/assert";
import { descriptorShares, MAX_OPEN_SEGMENT_FILES, RESERVED_DESCRIPTORS } from "../src/limits.ts";
import { test } from "./harness.ts";

test("descriptorShares() keeps a reserve for any limit and limits the number of segment files", () => {
  for (let limit = 4; limit < 10_000; limit += 7) {
    const { segmentFiles, connections } = descriptorShares(limit);
    assert(segmentFiles >= 1 && segmentFiles <= MAX_OPEN_SEGMENT_FILES, `${segmentFiles}`);
    assert(connections >= 1);
    const reserved = limit - segmentFiles - connections;
    assert(reserved >= Math.min(RESERVED_DESCRIPTORS, Math.floor(limit / 2)), `${reserved}`);
  }
  assertEquals(descriptorShares(1_024), { segmentFiles: 464, connections: 464 });
  assertEquals(descriptorShares(1_048_576).segmentFiles, MAX_OPEN_SEGMENT_FILES);
  assertEquals(descriptorShares(undefined), {
    segmentFiles: MAX_OPEN_SEGMENT_FILES,
    connections: Infinity,
  });
});
