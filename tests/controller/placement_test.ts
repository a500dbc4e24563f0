import { assertEquals } from "@std/assert";
import { placeReplicas } from "../../src/controller/placement.ts";
import { test } from "../harness.ts";

function brokers(...ids: number[]) {
  return ids.map((id) => ({ id, fenced: false, inControlledShutdown: false }));
}

test("placeReplicas() assigns everything to a single broker", () => {
  assertEquals(
    placeReplicas(brokers(7), { start: 0, count: 3, replicationFactor: 1 }),
    [[7], [7], [7]],
  );
});

test("placeReplicas() rotates leaders from the start position", () => {
  const placed = placeReplicas(brokers(3, 1, 2), { start: 1, count: 4, replicationFactor: 1 });
  assertEquals(placed, [[2], [3], [1], [2]]);
});

test("placeReplicas() varies the followers of a leader between rotations", () => {
  const placed = placeReplicas(brokers(1, 2, 3), { start: 0, count: 6, replicationFactor: 2 });
  assertEquals(placed, [[1, 2], [2, 3], [3, 1], [1, 3], [2, 1], [3, 2]]);
});

test("placeReplicas() uses distinct replicas and distributes them evenly", () => {
  const placed = placeReplicas(brokers(1, 2, 3, 4, 5), {
    start: 3,
    count: 20,
    replicationFactor: 3,
  });
  const shares = new Map<number, number>();
  for (const replicas of placed) {
    assertEquals(new Set(replicas).size, 3);
    for (const id of replicas) shares.set(id, (shares.get(id) ?? 0) + 1);
  }
  assertEquals([...shares.values()], [12, 12, 12, 12, 12]);
});

test("placeReplicas() places inactive brokers last", () => {
  const some = [
    { id: 1, fenced: true, inControlledShutdown: false },
    { id: 2, fenced: false, inControlledShutdown: true },
    { id: 3, fenced: false, inControlledShutdown: false },
  ];
  for (const replicas of placeReplicas(some, { start: 0, count: 6, replicationFactor: 3 })) {
    assertEquals(replicas[0], 3);
  }
});
