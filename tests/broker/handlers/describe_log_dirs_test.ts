import { assert, assertEquals } from "@std/assert";
import { describeLogDirs } from "../../../src/protocol/messages/describe_log_dirs.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { FailingFiles } from "../../log/fixture.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

const STORAGE_ERROR = 56;
const TWO = { "log.dirs": "/one,/two" };

test("DescribeLogDirs returns the directories and the sizes of partitions", async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 4, replicationFactor: 1 });
    const records = batchOf(["one", "two"]);
    await produceTo(client, "events", 0, records);
    await produceTo(client, "events", 0, records);
    const { errorCode, results } = await client.request(describeLogDirs, 5, { topics: null });
    assertEquals([errorCode, results.map(({ logDir }) => logDir)], [0, ["/one", "/two"]]);
    const found = results.flatMap(({ logDir, topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions.map((it) => [logDir, `${name}-${it.partitionIndex}`, it.partitionSize])
      )
    );
    assertEquals(found, [
      ["/one", "events-0", 2 * records.length],
      ["/one", "events-2", 0],
      ["/two", "events-1", 0],
      ["/two", "events-3", 0],
    ]);
    for (const { errorCode, totalBytes, usableBytes, isCordoned } of results) {
      assertEquals([errorCode, totalBytes, usableBytes, isCordoned], [0, -1, -1, false]);
    }
  }, TWO);
});

test("DescribeLogDirs returns only the requested partitions, in every version", async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 4, replicationFactor: 1 });
    const topics = [{ topic: "events", partitions: [1, 2, 99] }, {
      topic: "none",
      partitions: [0],
    }];
    for (const version of [1, 2, 3, 4, 5]) {
      const { results } = await client.request(describeLogDirs, version, { topics });
      const numbers = results.map(({ topics }) =>
        topics.map(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))
      );
      assertEquals(numbers, [[[2]], [[1]]]);
    }
    const { results } = await client.request(describeLogDirs, 5, { topics: [] });
    assertEquals(results.map(({ topics }) => topics), [[], []]);
  }, TWO);
});

test("DescribeLogDirs returns the space of the disk", async () => {
  const files = new MemoryFileSystem();
  const measured = Object.assign(files, {
    space: () => Promise.resolve({ total: 1_000, usable: 400 }),
  });
  await withBroker(
    async ({ client }) => {
      const { results } = await client.request(describeLogDirs, 4, { topics: null });
      assertEquals(results.map(({ totalBytes, usableBytes }) => [totalBytes, usableBytes]), [
        [1_000, 400],
      ]);
    },
    {},
    measured,
  );
});

test("DescribeLogDirs reports a directory that is offline", async () => {
  const files = new FailingFiles(new MemoryFileSystem());
  await withBroker(
    async ({ client, createTopic }) => {
      await createTopic({ name: "events", numPartitions: 2, replicationFactor: 1 });
      files.reason = "io";
      files.failsAt = "/two/";
      files.failing.add("write");
      const refused = await produceTo(client, "events", 1, batchOf(["lost"]));
      assertEquals(refused.errorCode, STORAGE_ERROR);
      const { errorCode, results } = await client.request(describeLogDirs, 5, { topics: null });
      assertEquals(errorCode, 0);
      assertEquals(results.map((it) => [it.logDir, it.errorCode]), [["/one", 0], [
        "/two",
        STORAGE_ERROR,
      ]]);
      assert(results[0]!.topics.length === 1 && results[1]!.topics.length === 0);
    },
    TWO,
    files,
  );
});
