import { assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../../src/node/parts/all_parts.ts";
import { PARTS_ON_DEMAND } from "../../../src/node/parts/parts_on_demand.ts";
import { loaded } from "../../../src/node/parts/loadable.ts";
import { test } from "../../harness.ts";
import { staticClosure } from "../../tidy.ts";

/** Maximum number of modules that a node loads at its start. */
const MAX_MODULES = 325;

/** What only nodes with others beside them run, the groups, and what compacts logs. */
const ON_DEMAND = [
  /^src\/broker\/forwarded_request\.ts$/,
  /^src\/broker\/lifecycle\/(?!own_membership)/,
  /^src\/broker\/remote_controller\.ts$/,
  /^src\/controller\/handlers\/(?!api_versions)/,
  /^src\/controller\/requests\/supported\.ts$/,
  /^src\/groups\//,
  /^src\/log\/compaction\/(batch_filter|cleaned_segment|cleaner|key_digest|offset_map)\.ts$/,
  /^src\/network\/peer_connection\.ts$/,
  /^src\/node\/(broker_watch|cluster_id|controller_enrollment|controller_listener)\.ts$/,
  /^src\/node\/(checkpoints|log_cleaner|log_retention)\.ts$/,
  /^src\/raft\/(handlers\/.*|kept_connection|peers|supported|within_time)\.ts$/,
  /^src\/raft\/wire\/(?!fetched_batches)/,
];

test("the process of a node starts without what it loads on demand", () => {
  for (const entry of ["src/cluster/start_process.ts", "src/cluster/node_process.ts"]) {
    const modules = staticClosure(entry);
    assertEquals(
      modules.filter((path) => ON_DEMAND.some((pattern) => pattern.test(path))),
      [],
      entry,
    );
    // Each module takes time and memory at every start: load one more only if every node needs it.
    assertEquals(modules.length <= MAX_MODULES, true, `${entry} loads ${modules.length} modules`);
  }
});

test("a program loads all parts of a node with its own modules", () => {
  const ofPrograms = new Set(staticClosure("src/cluster/mod.ts"));
  const missing = [
    ...staticClosure("src/broker/groups/group_parts.ts"),
    ...staticClosure("src/node/parts/cluster_parts.ts"),
    ...staticClosure("src/node/parts/task_parts.ts"),
    ...staticClosure("src/node/parts/compaction_parts.ts"),
    ...staticClosure("src/broker/supported.ts"),
    ...staticClosure("src/controller/requests/supported.ts"),
  ].filter((path) => !ofPrograms.has(path));
  assertEquals(missing, []);
});

test("PARTS_ON_DEMAND loads the same modules as ALL_PARTS", async () => {
  for (const part of ["groups", "cluster", "tasks", "compaction"] as const) {
    const module = await loaded<object>(PARTS_ON_DEMAND[part]);
    assertEquals(module === await loaded<object>(ALL_PARTS[part]), true, part);
  }
});
