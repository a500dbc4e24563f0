import { assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../../src/node/parts/all_parts.ts";
import { PARTS_ON_DEMAND } from "../../../src/node/parts/parts_on_demand.ts";
import { clusterPartsOf } from "../../../src/node/parts/node_parts.ts";
import { test } from "../../harness.ts";
import { staticClosure } from "../../tidy.ts";

/** Maximum number of modules that a node loads at its start. */
const MAX_MODULES = 376;

/** What only nodes with others beside them run. */
const OF_CLUSTERS = [
  /^src\/broker\/forwarded_request\.ts$/,
  /^src\/broker\/lifecycle\/(?!own_membership)/,
  /^src\/broker\/remote_controller\.ts$/,
  /^src\/controller\/handlers\/(?!allocate_producer_ids|api_versions|create_topics)/,
  /^src\/controller\/requests\/supported\.ts$/,
  /^src\/network\/peer_connection\.ts$/,
  /^src\/node\/(broker_watch|cluster_id|controller_enrollment|controller_listener)\.ts$/,
  /^src\/raft\/(handlers\/.*|kept_connection|peers|supported|within_time)\.ts$/,
  /^src\/raft\/wire\/(?!fetched_batches)/,
];

test("the process of a node starts without the parts of a cluster", () => {
  for (const entry of ["src/cluster/start_process.ts", "src/cluster/node_process.ts"]) {
    const loaded = staticClosure(entry);
    assertEquals(
      loaded.filter((path) => OF_CLUSTERS.some((pattern) => pattern.test(path))),
      [],
      entry,
    );
    // Each module takes time and memory at every start: load one more only if every node needs it.
    assertEquals(loaded.length <= MAX_MODULES, true, `${entry} loads ${loaded.length} modules`);
  }
});

test("a program loads all parts of a node with its own modules", () => {
  const loaded = new Set(staticClosure("src/cluster/mod.ts"));
  const missing = [
    ...staticClosure("src/node/parts/cluster_parts.ts"),
    ...staticClosure("src/broker/supported.ts"),
    ...staticClosure("src/controller/requests/supported.ts"),
  ].filter((path) => !loaded.has(path));
  assertEquals(missing, []);
});

test("PARTS_ON_DEMAND loads the parts of a cluster that ALL_PARTS has", async () => {
  const loaded = await clusterPartsOf(PARTS_ON_DEMAND);
  assertEquals(loaded === clusterPartsOf(ALL_PARTS), true);
});
