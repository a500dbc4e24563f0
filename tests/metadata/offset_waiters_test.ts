import { assertEquals } from "@std/assert";
import { OffsetWaiters } from "../../src/metadata/offset_waiters.ts";
import { test } from "../harness.ts";

test("release() resolves in order of offsets and of arrival, and rejectAll() the others", async () => {
  const waiters = new OffsetWaiters();
  const order: string[] = [];
  const waits = [5, 3, 9, 3, 5].map((offset, index) =>
    waiters.add(offset).then(
      () => order.push(`${offset} of ${index}`),
      (error) => order.push(`${offset} ${error.message}`),
    )
  );
  waiters.release(2);
  assertEquals(waiters.size, 5);
  waiters.release(5);
  assertEquals(waiters.size, 1);
  waiters.rejectAll(new Error("closed"));
  await Promise.all(waits);
  assertEquals(order, ["3 of 1", "3 of 3", "5 of 0", "5 of 4", "9 closed"]);
  assertEquals(waiters.size, 0);
});
