import { assertEquals } from "@std/assert";
import { Interner } from "../../src/protocol/interner.ts";
import { test } from "../harness.ts";
import { Chance } from "./chance.ts";

const encoder = new TextEncoder();

function counting(): { interner: Interner; made: () => number } {
  let made = 0;
  const interner = new Interner((bytes, start, length) => {
    made++;
    return String.fromCharCode(...bytes.subarray(start, start + length));
  });
  return { interner, made: () => made };
}

test("Interner decodes a cached string only once", () => {
  const { interner, made } = counting();
  const bytes = encoder.encode("--events--");
  for (let i = 0; i < 5; i++) assertEquals(interner.get(bytes, 2, 6), "events");
  assertEquals(made(), 1);
  assertEquals(interner.get(bytes, 0, 0), "");
});

test("Interner returns correct strings under collisions", () => {
  // Ten times as many strings as slots, so that most share a slot; looked up in random order.
  const { interner, made } = counting();
  const chance = new Chance(1);
  const texts = Array.from({ length: 10_000 }, (_, i) => `t${i}`);
  for (let i = 0; i < 50_000; i++) {
    const text = chance.pick(texts);
    assertEquals(interner.get(encoder.encode(text), 0, text.length), text);
  }
  assertEquals(made() > 1024, true);
});

test("Interner distinguishes strings with equal hashes, and prefixes", () => {
  // With a multiplier of 31, "Aa" and "BB" have the same hash, and so have their concatenations.
  const { interner } = counting();
  const texts = ["Aa", "BB", "AaAa", "AaBB", "BBAa", "BBBB", "A", "AaA"];
  for (let round = 0; round < 3; round++) {
    for (const text of texts) {
      assertEquals(interner.get(encoder.encode(text), 0, text.length), text);
    }
  }
});

test("Interner does not retain the bytes it was given", () => {
  const { interner } = counting();
  const bytes = encoder.encode("events");
  interner.get(bytes, 0, 6);
  bytes.set(encoder.encode("orders"));
  assertEquals(interner.get(bytes, 0, 6), "orders");
  assertEquals(interner.get(encoder.encode("events"), 0, 6), "events");
});

test("Interner does not cache long strings", () => {
  const { interner, made } = counting();
  const bytes = encoder.encode("x".repeat(65));
  interner.get(bytes, 0, 65);
  interner.get(bytes, 0, 65);
  assertEquals(made(), 2);
  interner.get(bytes, 0, 64);
  interner.get(bytes, 0, 64);
  assertEquals(made(), 3);
});

test("Interner with isText decodes ASCII itself and calls make() for other text", () => {
  const asked: string[] = [];
  const decoder = new TextDecoder();
  const interner = new Interner((bytes, start, length) => {
    const text = decoder.decode(bytes.subarray(start, start + length));
    asked.push(text);
    return text;
  }, true);
  const chance = new Chance(2);
  const texts = ["é", "aé", "Ã", "\u007f", "x".repeat(64), "x".repeat(65)];
  for (let i = 0; i < 5_000; i++) texts.push(`t${i}`, `ü${i}`);
  for (let i = 0; i < 30_000; i++) {
    const text = i < texts.length ? texts[i]! : chance.pick(texts);
    const bytes = encoder.encode(text);
    assertEquals(interner.get(bytes, 0, bytes.length), text);
  }
  assertEquals(
    asked.every((text) => text.length > 64 || encoder.encode(text).length > text.length),
    true,
  );
  assertEquals(asked.length > 5_000, true);
});
