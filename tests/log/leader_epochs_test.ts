import { assertEquals } from "@std/assert";
import { type EpochStart, LeaderEpochs } from "../../src/log/leader_epochs.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { refusal } from "./fixture.ts";
import { test } from "../harness.ts";

const PATH = "/leader-epoch-checkpoint";

function epochsOf(...starts: [epoch: number, startOffset: number][]): LeaderEpochs {
  const epochs = new LeaderEpochs(new MemoryFileSystem(), PATH);
  for (const [epoch, startOffset] of starts) epochs.assign(epoch, startOffset);
  return epochs;
}

function pairs(starts: readonly EpochStart[]): [number, number][] {
  return starts.map(({ epoch, startOffset }) => [epoch, startOffset]);
}

test("LeaderEpochs.endOffsetFor returns what KIP-101 and KIP-279 require", () => {
  const epochs = epochsOf([2, 0], [4, 10], [7, 25]);
  const table: [asked: number, epoch: number, endOffset: number][] = [
    [-1, -1, -1], // Undefined.
    [0, 0, 0], // Older than all known epochs: the start of the oldest.
    [1, 1, 0],
    [2, 2, 10],
    [3, 2, 10], // Unknown, between two: the largest epoch below.
    [4, 4, 25],
    [6, 4, 25],
    [7, 7, 40], // The newest: the log's end.
    [8, -1, -1], // Newer than all.
  ];
  for (const [asked, leaderEpoch, endOffset] of table) {
    assertEquals(epochs.endOffsetFor(asked, 40), { leaderEpoch, endOffset }, `epoch ${asked}`);
  }
  assertEquals(epochsOf().endOffsetFor(0, 40), { leaderEpoch: -1, endOffset: -1 });
});

test("LeaderEpochs.assign keeps epochs and offsets rising", () => {
  const table: [[number, number][], [number, number], [number, number][]][] = [
    [[], [0, 0], [[0, 0]]],
    [[[0, 0]], [0, 5], [[0, 0]]], // It already exists.
    [[[0, 0]], [1, 5], [[0, 0], [1, 5]]],
    [[[0, 0], [1, 5]], [2, 5], [[0, 0], [2, 5]]], // Epoch 1 has no records.
    [[[0, 0], [1, 5], [2, 9]], [3, 4], [[0, 0], [3, 4]]], // The log was truncated below them.
    [[[0, 0], [2, 9]], [1, 20], [[0, 0], [1, 20]]], // A lower epoch.
    [[[3, 10]], [3, 4], [[3, 4]]],
    [[[3, 10]], [4, 0], [[4, 0]]],
  ];
  for (const [before, [epoch, startOffset], after] of table) {
    const epochs = epochsOf(...before);
    epochs.assign(epoch, startOffset);
    assertEquals(pairs(epochs.entries()), after);
  }
});

test("LeaderEpochs removes epochs when either end of the log is truncated", () => {
  const all: [number, number][] = [[0, 0], [1, 10], [2, 20]];
  const fromEnd: [number, [number, number][]][] = [
    [30, all],
    [21, all],
    [20, [[0, 0], [1, 10]]],
    [11, [[0, 0], [1, 10]]],
    [10, [[0, 0]]],
    [0, []],
  ];
  for (const [endOffset, left] of fromEnd) {
    const epochs = epochsOf(...all);
    epochs.truncateFromEnd(endOffset);
    assertEquals(pairs(epochs.entries()), left, `end ${endOffset}`);
  }
  const fromStart: [number, [number, number][]][] = [
    [0, all],
    [5, [[0, 5], [1, 10], [2, 20]]],
    [10, [[1, 10], [2, 20]]],
    [15, [[1, 15], [2, 20]]],
    [99, [[2, 99]]],
  ];
  for (const [startOffset, left] of fromStart) {
    const epochs = epochsOf(...all);
    epochs.truncateFromStart(startOffset);
    assertEquals(pairs(epochs.entries()), left, `start ${startOffset}`);
  }
});

test("LeaderEpochs.epochForOffset finds the epoch a record was written in", () => {
  const epochs = epochsOf([3, 5], [8, 10]);
  assertEquals([0, 4, 5, 9, 10, 99].map((at) => epochs.epochForOffset(at)), [-1, -1, 3, 3, 8, 8]);
});

test("LeaderEpochs writes Kafka's checkpoint and reads it back", () => {
  const files = new MemoryFileSystem();
  const epochs = new LeaderEpochs(files, PATH);
  epochs.assign(0, 0);
  epochs.assign(3, 1200);
  const file = files.open(PATH, "read");
  const bytes = new Uint8Array(100);
  assertEquals(
    new TextDecoder().decode(bytes.subarray(0, file.readAt(bytes, 0))),
    "0\n2\n0 0\n3 1200\n",
  );
  file.close();
  const again = new LeaderEpochs(files, PATH);
  again.load();
  assertEquals(again.entries(), epochs.entries());
});

test("LeaderEpochs.load rejects a malformed file", () => {
  for (
    const text of [
      "1\n0\n",
      "0\n2\n0 0\n",
      "0\n1\n0\n",
      "0\n1\n0 x\n",
      "0\n1\n0 -4\n",
      "\u0001\u0000",
    ]
  ) {
    const files = new MemoryFileSystem();
    const file = files.open(PATH, "create");
    file.writeAt(new TextEncoder().encode(text), 0);
    file.close();
    const { name, message } = refusal(() => new LeaderEpochs(files, PATH).load());
    assertEquals(name, "KAFKA_STORAGE_ERROR", text);
    assertEquals(message.includes(PATH), true, message);
  }
});
