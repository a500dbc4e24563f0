/**
 * A broker with several data directories: the placement of partitions, and disks that fail.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Node } from "../../src/node/node.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { FileError } from "../../src/runtime/runtime.ts";
import { FailingFiles } from "../log/fixture.ts";
import { test } from "../harness.ts";
import { batchOf, fetchAll, fetchFrom, produceTo, withBroker } from "./fixture.ts";
import type { RawClient } from "./raw_client.ts";

const STORAGE_ERROR = 56;
const TWO = { "log.dirs": "/one,/two" };

/** Reads from the beginning and returns the error code and the number of bytes. */
async function readFrom(client: RawClient, topic: string, partition: number) {
  const { errorCode, records } = await fetchFrom(client, topic, partition, 0);
  return { errorCode, bytes: records?.byteLength ?? 0 };
}

/** Returns the directory ids of each partition of the topic, from the metadata. */
function directoriesOf(broker: Node, topic: string): (string | undefined)[] {
  return broker.image.topicByName(topic)!.partitions.map(({ directories }) => directories[0]);
}

/** Resolves when the controller has finished all requests. */
async function settled(broker: Node): Promise<void> {
  await broker.controller.createTopics([], { validateOnly: true });
}

test("a broker records in the metadata which directory has each partition", async () => {
  const files = new MemoryFileSystem();
  let ids: readonly string[] = [];
  await withBroker(
    async ({ broker, createTopic }) => {
      await createTopic({ name: "events", numPartitions: 3, replicationFactor: 1 });
      await settled(broker);
      ids = broker.image.broker(1)!.logDirs;
      assertEquals(new Set(ids).size, 2);
      const [first, second, third] = directoriesOf(broker, "events");
      assertEquals([first === third, first === second], [true, false]);
      assert(ids.includes(first!) && ids.includes(second!));
      const epochs = broker.image.topicByName("events")!.partitions.map((it) => it.partitionEpoch);
      assertEquals(epochs, [1, 1, 1]);
    },
    TWO,
    files,
  );
  // A partition that was moved by hand is found, and the metadata are updated.
  files.rename("/one/events-0", "/two/events-0");
  await withBroker(
    async ({ broker }) => {
      await settled(broker);
      const [first, second] = directoriesOf(broker, "events");
      assertEquals(first, second);
      assertEquals(broker.image.broker(1)!.logDirs, ids);
    },
    TWO,
    files,
  );
});

test("a failing disk takes its own partitions out of service for appends, and no others", async () => {
  const memory = new MemoryFileSystem();
  const files = new FailingFiles(memory);
  await withBroker(
    async ({ broker, client, createTopic, messages }) => {
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      const records = batchOf(["kept"]);
      for (const partition of [0, 1]) {
        assertEquals((await produceTo(client, "events", partition, records)).errorCode, 0);
      }
      files.reason = "io";
      files.failsAt = "/two/";
      files.failing.add("write");
      const refused = await produceTo(client, "events", 1, records);
      assertEquals([refused.errorCode, refused.baseOffset], [STORAGE_ERROR, -1]);
      files.failing.clear();
      // Even if the disk works again: how much of the last write it has is unknown.
      const again = await produceTo(client, "events", 1, records);
      assertEquals(again.errorCode, STORAGE_ERROR);
      assertStringIncludes(again.errorMessage!, "/two is out of service until the next start");
      assertEquals(await readFrom(client, "events", 1), { errorCode: 0, bytes: records.length });

      assertEquals((await produceTo(client, "events", 0, records)).errorCode, 0);
      await createTopic({ name: "more", numPartitions: 2, replicationFactor: 1 });
      assertEquals((await produceTo(client, "more", 1, records)).errorCode, 0);
      await settled(broker);
      assertEquals(broker.image.broker(1)!.logDirs.length, 1);
      const [only] = broker.image.broker(1)!.logDirs;
      assertEquals(directoriesOf(broker, "more"), [only, only]);
      const reported = messages.filter(({ level }) => level === "error").map(({ message }) =>
        message
      );
      assert(
        reported.length >= 1 && reported.every((it) => it.includes("/two")),
        reported[0],
      );
    },
    TWO,
    files,
  );
  await withBroker(
    async ({ broker, client }) => {
      assertEquals(broker.image.broker(1)!.logDirs.length, 2);
      assertEquals((await produceTo(client, "events", 1, batchOf(["new"]))).baseOffset, 1);
    },
    TWO,
    memory,
  );
});

test("a disk that cannot be read does not affect records on other disks", async () => {
  const files = new FailingFiles(new MemoryFileSystem());
  await withBroker(
    async ({ client, connect, createTopic }) => {
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      const records = batchOf(["kept"]);
      for (const partition of [0, 1]) await produceTo(client, "events", partition, records);
      const fetchBoth = async (client: RawClient) => {
        const answers = await fetchAll(client, "events", [0, 1]);
        return answers.map(({ errorCode, records }) => [errorCode, records?.byteLength]);
      };
      const whole = [[0, records.length], [0, records.length]];
      assertEquals(await fetchBoth(client), whole);
      files.reason = "io";
      files.failsAt = "/two/";
      files.failing.add("read");
      // The positions of the records are known, so the answer has begun when reading them fails.
      await assertRejects(() => fetchBoth(client), Error, "closed instead of answering");
      const again = await connect();
      assertEquals(await fetchBoth(again), [[0, records.length], [STORAGE_ERROR, 0]]);
      files.failing.clear();
      assertEquals(await fetchBoth(again), whole);
    },
    TWO,
    files,
  );
});

test("a topic can be deleted while one of its directories is out of service", async () => {
  const memory = new MemoryFileSystem();
  const files = new FailingFiles(memory);
  await withBroker(
    async ({ broker, client, createTopic }) => {
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      files.reason = "io";
      files.failsAt = "/two/";
      files.failing.add("write");
      await produceTo(client, "events", 1, batchOf(["lost"]));
      const [result] = await broker.controller.deleteTopics([{
        name: "events",
        topicId: ZERO_UUID,
      }]);
      assertEquals(result!.errorCode, 0);
      assertEquals([memory.exists("/one/events-0"), memory.exists("/two/events-1")], [false, true]);
    },
    TWO,
    files,
  );
  await withBroker(
    ({ messages }) => {
      assertStringIncludes(messages[0]!.message, "events-1 belongs to no topic of this cluster");
      return Promise.resolve();
    },
    TWO,
    memory,
  );
});

test("a failing disk of the metadata log ends the broker, with one sentence", async () => {
  for (const operation of ["write", "sync"] as const) {
    const memory = new MemoryFileSystem();
    const files = new FailingFiles(memory);
    await withBroker(
      async ({ broker, client, createTopic, messages }) => {
        await createTopic({ name: "events", numPartitions: 1, replicationFactor: 1 });
        files.reason = "io";
        files.failing.add(operation);
        if (operation === "write") {
          assertEquals((await produceTo(client, "events", 0, batchOf(["lost"]))).errorCode, 56);
        } else {
          await assertRejects(() => createTopic({ name: "more", numPartitions: 1 }), KafkaError);
        }
        const failure = await broker.failed;
        assertStringIncludes(failure.message, "The data directory /data is out of service");
        assertEquals(failure.message.split("\n").length, 1);
        assert(messages.some(({ message }) => message === failure.message));
        await broker.shutdown();
        await assertRejects(() => produceTo(client, "events", 0, batchOf(["lost"])));
      },
      {},
      files,
    );
    await withBroker(
      async ({ client }) => {
        assertEquals((await produceTo(client, "events", 0, batchOf(["new"]))).baseOffset, 0);
      },
      {},
      memory,
    );
  }
});

test("a broker starts without a failing directory, and creates none of its logs elsewhere", async () => {
  const memory = new MemoryFileSystem();
  await withBroker(
    async ({ client, createTopic }) => {
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      for (const partition of [0, 1]) {
        await produceTo(client, "events", partition, batchOf(["kept"]));
      }
    },
    TWO,
    memory,
  );
  const files = new FailingFiles(memory);
  files.tryLock = (path) => {
    if (!path.startsWith("/two")) return memory.tryLock(path);
    throw new FileError(`Cannot open "${path}": the disk reports an error, check it`, "io");
  };
  await withBroker(
    async ({ broker, client, messages }) => {
      assertStringIncludes(messages[0]!.message, "Started without the data directory /two: ");
      assertEquals(broker.image.broker(1)!.logDirs.length, 1);
      const refused = await produceTo(client, "events", 1, batchOf(["lost"]));
      assertEquals(refused.errorCode, STORAGE_ERROR);
      assertStringIncludes(refused.errorMessage!, "it may lie in /two");
      assertEquals((await produceTo(client, "events", 0, batchOf(["new"]))).baseOffset, 1);
      assertEquals(memory.exists("/one/events-1"), false);
    },
    TWO,
    files,
  );
  // The same if the directory is not configured any more.
  await withBroker(
    async ({ client }) => {
      const refused = await produceTo(client, "events", 1, batchOf(["lost"]));
      assertEquals(refused.errorCode, STORAGE_ERROR);
      assertStringIncludes(refused.errorMessage!, "is not among /one; name that one too");
    },
    { "log.dirs": "/one" },
    memory,
  );
  await withBroker(
    async ({ client }) => {
      assertEquals((await produceTo(client, "events", 1, batchOf(["new"]))).baseOffset, 1);
    },
    TWO,
    memory,
  );
});

test("a partition whose creation failed on a full disk exists after the next start", async () => {
  const memory = new MemoryFileSystem();
  const files = new FailingFiles(memory);
  await withBroker(
    async ({ client, createTopic, messages }) => {
      files.failsAt = "/events-0/";
      files.failing.add("open");
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      assertEquals((await produceTo(client, "events", 0, batchOf(["lost"]))).errorCode, 56);
      assertEquals((await produceTo(client, "events", 1, batchOf(["kept"]))).errorCode, 0);
      assert(messages.some(({ message }) => message.startsWith("events-0 is offline: ")));
    },
    {},
    files,
  );
  // Its directory does not even have to exist.
  memory.remove("/data/events-0");
  await withBroker(
    async ({ client }) => {
      assertEquals((await produceTo(client, "events", 0, batchOf(["new"]))).baseOffset, 0);
      assertEquals((await produceTo(client, "events", 1, batchOf(["new"]))).baseOffset, 1);
    },
    {},
    memory,
  );
});
