import { assertEquals } from "@std/assert";
import {
  formatUuid,
  isUuid,
  METADATA_TOPIC_ID,
  parseUuid,
  randomUuid,
  ZERO_UUID,
} from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { Chance } from "./chance.ts";

test("formatUuid() and parseUuid() are inverse", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const bytes = new Chance(seed).bytes(16);
    const text = formatUuid(bytes);
    const back = new Uint8Array(20);
    parseUuid(text, back, 2);
    assertEquals(back.slice(2, 18), bytes);
    assertEquals(isUuid(text), true);
  }
});

test("the reserved UUIDs are 0 and 1", () => {
  const bytes = new Uint8Array(16);
  assertEquals(formatUuid(bytes), ZERO_UUID);
  bytes[15] = 1;
  assertEquals(formatUuid(bytes), METADATA_TOPIC_ID);
});

test("randomUuid() returns version 4 and never begins with a dash", () => {
  const chance = new Chance(9);
  let tries = 0;
  const random = {
    fill(target: Uint8Array): Uint8Array {
      target.set(chance.bytes(target.length));
      // If the first six bits are 62, the text begins with a dash.
      if (tries++ % 2 === 0) target[0] = 62 << 2;
      return target;
    },
  };
  for (let i = 0; i < 20; i++) {
    const text = randomUuid(random);
    const bytes = new Uint8Array(16);
    parseUuid(text, bytes);
    assertEquals(text.startsWith("-"), false);
    assertEquals([bytes[6]! >> 4, bytes[8]! >> 6], [4, 2]);
  }
  assertEquals(tries >= 40, true);
});
