import { assertEquals, assertRejects } from "@std/assert";
import { CommittedState, OwnState } from "../../../src/controller/active/decision_state.ts";
import { NO_PAUSE } from "../../../src/protocol/records/compression/steps.ts";
import { test } from "../../harness.ts";
import { CHAT, EVENTS, topic } from "../../metadata/fixture.ts";
import { batches, newLoader } from "../../metadata/loader_fixture.ts";
import { stateOf } from "../fake_quorum.ts";

const names = ({ image }: OwnState | CommittedState) =>
  Array.from(image.topics(), ({ name }) => name);

test("OwnState begins with what is committed, and applies a batch without its commit", async () => {
  const { loader } = newLoader();
  await loader.load(batches(0, [topic("events", EVENTS)]));
  const state = new OwnState(await loader.fork());
  assertEquals(names(state), ["events"]);
  // Control batches of the quorum lie before it.
  await state.apply(batches(4, [topic("chat", CHAT)]), NO_PAUSE);
  assertEquals(names(state), ["events", "chat"]);
  assertEquals(loader.image.topicCount, 1);
  await assertRejects(() => state.apply(batches(3, [topic("late", CHAT)]), NO_PAUSE));
});

test("CommittedState waits until a batch is committed and loaded", async () => {
  const { loader } = newLoader();
  const state = new CommittedState(loader);
  const batch = batches(0, [topic("events", EVENTS)], [topic("chat", CHAT)]);
  const applied = state.apply(batch);
  assertEquals(await stateOf(applied), "pending");
  await loader.load(batch);
  await applied;
  assertEquals(names(state), ["events", "chat"]);
  const next = state.apply(batches(2, [topic("late", CHAT)]));
  await loader.close(new Error("closed"));
  await assertRejects(() => next, Error, "closed");
});
