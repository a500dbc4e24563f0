import { assertEquals } from "@std/assert";
import { AssignedPartition } from "../../../src/client/consumer/assigned_partition.ts";
import type { ClusterClient } from "../../../src/client/cluster/cluster_client.ts";
import { clientSettings } from "../../../src/client/client_options.ts";
import { ClusterView } from "../../../src/client/cluster/cluster_view.ts";
import { Fetcher } from "../../../src/client/consumer/fetcher.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import type { FetchResponse } from "../../../src/protocol/messages/fetch.ts";
import type { MetadataResponse } from "../../../src/protocol/messages/metadata.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { settle } from "../../broker/direct_broker.ts";
import { manualClock } from "../../broker/manual_clock.ts";
import { test } from "../../harness.ts";

const SETTINGS = {
  minBytes: 1,
  maxBytes: 1_000_000,
  partitionMaxBytes: 100_000,
  maxWaitMs: 500,
  onOffsetOutOfRange: "earliest",
} as const;

/** Returns a fetcher of events-0 and a cluster with configurable responses. */
function fetching() {
  const clock = manualClock();
  const view = new ClusterView();
  const node = { clock, errorCode: ErrorCode.NONE as number, leader: 1, fetchedMs: [] as number[] };
  const refreshedMs: number[] = [];
  const client = {
    settings: clientSettings({ bootstrapServers: "a:1" }),
    signal: new AbortController().signal,
    view,
    refresh() {
      refreshedMs.push(clock.monotonicMs());
      const partitions = [{ partitionIndex: 0, leaderId: node.leader }];
      const answer = {
        brokers: [{ nodeId: 1, host: "a", port: 1, rack: null }],
        topics: [{ name: "events", errorCode: 0, topicId: "AAAAAAAAAAAAAAAAAAAAEA", partitions }],
      };
      view.update(answer as unknown as MetadataResponse, clock.monotonicMs());
      return Promise.resolve();
    },
    broker: () =>
      Promise.resolve({
        request() {
          node.fetchedMs.push(clock.monotonicMs());
          // Without an error there is nothing to read, so the broker keeps the request waiting.
          if (node.errorCode === ErrorCode.NONE) return new Promise(() => {});
          const partitions = [{ partitionIndex: 0, errorCode: node.errorCode }];
          const response = { errorCode: 0, responses: [{ topic: "events", partitions }] };
          return Promise.resolve(response as unknown as FetchResponse);
        },
      }),
  };
  const random = { fill: (target: Uint8Array) => target, below: () => 200 };
  const runtime = { clock, random } as unknown as Runtime;
  const fetcher = new Fetcher(client as unknown as ClusterClient, runtime, SETTINGS);
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 50) {
      await settle();
      clock.advance(50);
    }
    await settle();
  };
  return { ...node, node, refreshedMs, fetcher, pass };
}

function gapsOf(times: readonly number[]): number[] {
  return times.slice(1).map((ms, i) => ms - times[i]!);
}

test("Fetcher doubles the delay between failed fetches up to retryBackoffMaxMs", async () => {
  const { node, fetcher, pass } = fetching();
  node.errorCode = ErrorCode.KAFKA_STORAGE_ERROR;
  fetcher.assign([new AssignedPartition("events", 0, 0)]);
  await pass(6_000);
  const gaps = gapsOf(node.fetchedMs);
  assertEquals(gaps.map((gap, i) => i === 0 || gap >= gaps[i - 1]!), gaps.map(() => true));
  assertEquals([gaps[0]! <= 200, gaps.at(-1)! >= 1_000], [true, true]);
  fetcher.close();
});

test("Fetcher doubles the delay between lookups of a missing leader up to retryBackoffMaxMs", async () => {
  const { node, refreshedMs, fetcher, pass } = fetching();
  node.leader = -1;
  fetcher.assign([new AssignedPartition("events", 0, 0)]);
  await pass(6_000);
  assertEquals(gapsOf(refreshedMs), [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]);
  assertEquals(node.fetchedMs, []);
  node.leader = 1;
  await pass(1_000);
  assertEquals(node.fetchedMs.length, 1);
  fetcher.close();
});
