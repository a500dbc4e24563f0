import { assertEquals } from "@std/assert";
import {
  electionOf,
  type ElectionRules,
  isOnline,
  mayLeadIn,
  partitionChange,
  type PartitionTarget,
} from "../../src/controller/partition_change.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { config, EVENTS, type PartitionValue, partitionWith, topic } from "../metadata/fixture.ts";
import { changes, directory, imageOf, registered } from "./fixture.ts";

/** Returns the change of a partition with replicas 1, 2, 3, all in sync, of which 1 leads. */
function changeOf(
  state: Partial<PartitionValue>,
  target: PartitionTarget,
  alive: readonly number[],
  election: ElectionRules["election"] = "clean",
): string {
  const image = imageOf(
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, { replicas: [1, 2, 3], isr: [1, 2, 3], leader: 1, ...state }),
  );
  const before = image.topicById(EVENTS)!.partitions[0]!;
  const record = partitionChange(EVENTS, before, target, {
    mayLead: (id) => alive.includes(id),
    election,
  });
  return record === null ? "none" : changes([record])[0]!.slice("0: ".length);
}

test("partitionChange() elects the first in-sync replica that may lead", () => {
  assertEquals(changeOf({}, {}, [1, 2, 3]), "none");
  assertEquals(changeOf({}, {}, [2, 3]), "leader=2");
  assertEquals(changeOf({ isr: [1, 3] }, {}, [2, 3]), "leader=3");
  assertEquals(changeOf({ isr: [1] }, {}, [2, 3]), "leader=-1");
  assertEquals(changeOf({ isr: [3, 2], leader: -1 }, {}, [2, 3]), "leader=2");
  assertEquals(changeOf({ isr: [1], leader: -1 }, {}, [2, 3]), "none");
});

test("partitionChange() keeps a valid leader except in a preferred election", () => {
  assertEquals(changeOf({ leader: 2 }, {}, [1, 2, 3]), "none");
  assertEquals(changeOf({ leader: 2 }, {}, [1, 2, 3], "preferred"), "leader=1");
  assertEquals(changeOf({ leader: 2, isr: [2, 3] }, {}, [1, 2, 3], "preferred"), "none");
  assertEquals(changeOf({ leader: 2 }, {}, [1, 2, 3], "unclean"), "none");
});

test("partitionChange() shrinks the ISR without a leader epoch, and never to nothing", () => {
  assertEquals(changeOf({}, { isr: [1, 2] }, [1, 2, 3]), "isr=1,2");
  assertEquals(changeOf({}, { isr: [2, 3] }, [2, 3]), "leader=2 isr=2,3");
  assertEquals(changeOf({ isr: [1] }, { isr: [] }, [2, 3]), "leader=-1");
  assertEquals(changeOf({ isr: [1], leader: -1 }, { isr: [] }, []), "none");
});

test("partitionChange() begins a leader epoch when a replica is removed", () => {
  assertEquals(
    changeOf({}, { replicas: [1, 2], isr: [1, 2] }, [1, 2, 3]),
    "leader=1 isr=1,2 replicas=1,2",
  );
  assertEquals(
    changeOf({}, { replicas: [1, 2, 3, 4], addingReplicas: [4] }, [1, 2, 3]),
    "replicas=1,2,3,4 addingReplicas=4",
  );
});

test("partitionChange() elects an out-of-sync replica only in an unclean election", () => {
  const lost = { isr: [1], leader: 1, lastKnownElr: [1] };
  assertEquals(changeOf(lost, {}, [3]), "leader=-1");
  assertEquals(
    changeOf(lost, {}, [3], "unclean"),
    "leader=3 isr=3 lastKnownElr= leaderRecoveryState=1",
  );
  assertEquals(changeOf({ isr: [1, 3] }, {}, [2, 3], "unclean"), "leader=3", "3 is in sync");
  assertEquals(
    changeOf({ isr: [1], leaderRecoveryState: 1 }, {}, [3], "unclean"),
    "leader=3 isr=3",
  );
  assertEquals(changeOf(lost, {}, [], "unclean"), "leader=-1");
});

test("partitionChange() keeps eligible replicas apart from the ISR", () => {
  const empty = { isr: [], leader: -1, eligibleLeaderReplicas: [3, 2], lastKnownElr: [1] };
  assertEquals(
    changeOf(empty, {}, [1, 2, 3]),
    "leader=2 isr=2 eligibleLeaderReplicas=3 lastKnownElr=",
  );
  assertEquals(
    changeOf({ isr: [1], eligibleLeaderReplicas: [2, 3] }, { isr: [1, 2] }, [1, 2]),
    "isr=1,2 eligibleLeaderReplicas=3",
  );
  const stale = { isr: [1], eligibleLeaderReplicas: [2] };
  assertEquals(changeOf(stale, { isr: [] }, [2, 3]), "leader=-1", "1 is in sync, 2 may not be");
});

test("mayLeadIn() accepts active brokers with an online directory", () => {
  const image = imageOf(
    registered(1),
    registered(2, { fenced: true }),
    registered(3, { inControlledShutdown: true }),
    registered(4, { logDirs: [] }),
  );
  const accepted = (changes: { without?: number; with?: number } = {}) =>
    [1, 2, 3, 4, 5].filter((id) => mayLeadIn(image, changes)(id, directory(id)));
  assertEquals(accepted(), [1, 4]);
  assertEquals(accepted({ without: 1 }), [4]);
  assertEquals(accepted({ with: 2 }), [1, 2, 4]);
  assertEquals(accepted({ with: 3 }), [1, 4], "a broker that shuts down may not lead");
  const inDirectory = (id: string) => mayLeadIn(image)(1, id);
  assertEquals([ZERO_UUID, UNASSIGNED_DIRECTORY, directory(2)].map(inDirectory), [
    true,
    true,
    false,
  ]);
  assertEquals(isOnline("AAAAAAAAAAAAAAAAAAAAAg", image.broker(1)!), false, "LOST");
});

test("electionOf() reads unclean.leader.election.enable of the topic and of all brokers", () => {
  const key = "unclean.leader.election.enable";
  const image = imageOf(config(4, "", key, "true"), config(2, "safe", key, "false"));
  assertEquals(electionOf("safe", image), "clean");
  assertEquals(electionOf("events", image), "unclean");
  assertEquals(electionOf("events", imageOf(config(2, "chat", key, "true"))), "clean");
  assertEquals(electionOf("chat", imageOf(config(2, "chat", key, "true"))), "unclean");
});
