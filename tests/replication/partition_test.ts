import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { batchOf } from "../broker/fixture.ts";
import { DirectBroker, stateOf } from "../broker/direct_broker.ts";

test("the high watermark moves only while this node is the whole ISR", () => {
  const partition = new DirectBroker().add();
  partition.append(batchOf(["a"]), true);
  assertEquals(partition.highWatermark, 1);
  for (const isr of [[2], [1, 2], []]) {
    partition.update(stateOf({ replicas: [1, 2], isr }));
    partition.append(batchOf(["b"]), false);
    assertEquals(partition.highWatermark, 1, `ISR ${isr}`);
  }
  partition.update(stateOf({ replicas: [1, 2], isr: [1] }));
  assertEquals(partition.highWatermark, 4);
});
