import { assertEquals, assertThrows } from "@std/assert";
import {
  consumerProtocolAssignment as assignment,
  consumerProtocolSubscription as subscription,
} from "../../src/protocol/messages/consumer_protocol.ts";
import { ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";

const value = {
  topics: ["a"],
  userData: null,
  ownedPartitions: [{ topic: "a", partitions: [1] }],
  generationId: 5,
  rackId: "r",
};

test("encode() writes the version before the value", () => {
  const bytes = subscription.encode(value);
  assertEquals([...bytes.slice(0, 2)], [0, 3]);
  assertEquals(subscription.decode(bytes), value);
  assertEquals(subscription.decode(subscription.encode(value, 1)), {
    ...value,
    generationId: -1,
    rackId: null,
  });
  assertEquals(
    [...assignment.encode({ assignedPartitions: [{ topic: "a", partitions: [2] }] }, 0)],
    [0, 0, 0, 0, 0, 1, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 2, 255, 255, 255, 255],
  );
});

test("decode() reads an unknown newer version as the newest known one", () => {
  const bytes = [...subscription.encode(value), 1, 2, 3];
  bytes[1] = 9;
  assertEquals(subscription.decode(Uint8Array.from(bytes)), value);
});

test("decode() throws a ProtocolError for malformed bytes", () => {
  for (const bytes of [[], [0], [255, 255, 0], [0, 0, 0, 0, 0]]) {
    assertThrows(() => assignment.decode(Uint8Array.from(bytes)), ProtocolError);
  }
});
