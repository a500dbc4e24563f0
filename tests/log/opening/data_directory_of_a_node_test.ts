import { assertEquals, assertThrows } from "@std/assert";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { Machine } from "../fixture.ts";

test("open() rejects the data directory of a node and writes nothing there", () => {
  const machine = new Machine();
  machine.files.makeDirectory("/data/events-0");
  machine.write("meta.properties", "version=1\n");
  assertThrows(
    () => machine.open({}, { directoryExists: true }),
    KafkaError,
    "Cannot open /data/events-0 as a partition: its meta.properties makes it the data directory of a node; move " +
      "it, or name another data directory for this node",
  );
  assertEquals(machine.files.list("/data/events-0").map(({ name }) => name), ["meta.properties"]);
});
