import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as parts from "../../../src/broker/groups/group_parts.ts";
import { type GroupParts, GroupsOnDemand } from "../../../src/broker/groups/groups_on_demand.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { TestClock, TestRandom } from "../../groups/test_clock.ts";
import { test } from "../../harness.ts";

const OPTIONS = {
  clock: new TestClock(),
  random: new TestRandom(),
  config: {
    groupInitialRebalanceDelayMs: 0,
    groupMinSessionTimeoutMs: 6000,
    groupMaxSessionTimeoutMs: 60_000,
    groupMaxSize: 10,
    offsetMetadataMaxBytes: 16,
  },
};

function commit(groups: GroupsOnDemand): Promise<ErrorCode[]> {
  return groups.coordinator.commitOffsets({
    groupId: "g",
    memberId: "",
    groupInstanceId: null,
    generationId: -1,
    unknownGroupError: ErrorCode.GROUP_ID_NOT_FOUND,
    offsets: [{ topic: "t", partition: 0, offset: 5, leaderEpoch: -1, metadata: null }],
  });
}

/** Groups whose loads end when the test says so. */
function onDemand() {
  const loads: PromiseWithResolvers<GroupParts>[] = [];
  const groups = new GroupsOnDemand(() => {
    const load = Promise.withResolvers<GroupParts>();
    loads.push(load);
    return load.promise;
  }, OPTIONS);
  return { groups, loads };
}

test("the coordinator of groups whose code is loaded can be used at once", async () => {
  const groups = new GroupsOnDemand(parts, OPTIONS);
  assertEquals(await commit(groups), [ErrorCode.NONE]);
  const { coordinator } = groups;
  await groups.load();
  assertEquals(groups.coordinator === coordinator, true);
});

test("requests that load the coordinator at the same time share it", async () => {
  const { groups, loads } = onDemand();
  groups.onTopicsDeleted(["t"]);
  assertThrows(() => groups.coordinator, Error, "before it has been loaded");
  const first = groups.load();
  const second = groups.load();
  assertEquals(loads.length, 2);
  loads[0]!.resolve(parts);
  await first;
  assertEquals(await commit(groups), [ErrorCode.NONE]);
  loads[1]!.resolve(parts);
  await second;
  assertEquals((await groups.coordinator.list({ states: [], types: [] })).length, 1);
  await groups.load();
  assertEquals(loads.length, 2);
});

test("a load of the coordinator that has failed is repeated by the next request", async () => {
  const { groups, loads } = onDemand();
  const failed = groups.load();
  loads[0]!.reject(new TypeError("Module not found"));
  await assertRejects(() => failed, TypeError, "Module not found");
  const again = groups.load();
  loads[1]!.resolve(parts);
  await again;
  assertEquals(await commit(groups), [ErrorCode.NONE]);
});

test("a coordinator that is loaded after the shutdown refuses all requests", async () => {
  const { groups, loads } = onDemand();
  const load = groups.load();
  groups.shutdown();
  loads[0]!.resolve(parts);
  await load;
  assertEquals(await commit(groups), [ErrorCode.COORDINATOR_NOT_AVAILABLE]);
  groups.shutdown();
});

test("the deletion of a topic deletes its offsets in a coordinator that was loaded on demand", async () => {
  const { groups, loads } = onDemand();
  const load = groups.load();
  loads[0]!.resolve(parts);
  await load;
  await commit(groups);
  groups.onTopicsDeleted(["t"]);
  const offset = await groups.coordinator.committedOffsets(
    "g",
    (offsets) => offsets?.get("t", 0) ?? null,
  );
  assertEquals(offset, null);
});
