import { assertEquals, assertRejects } from "@std/assert";
import { DECIDED_ON_DEMAND } from "../../../src/controller/requests/decided_on_demand.ts";
import {
  localController,
  type LocalHandlers,
  OWN_NODE,
} from "../../../src/controller/requests/local_controller.ts";
import { DECIDED_BY_CONTROLLER } from "../../../src/controller/requests/supported.ts";
import { CloseConnection, defineHandler } from "../../../src/network/server/handler.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { test } from "../../harness.ts";

test("DECIDED_ON_DEMAND has the handlers of DECIDED_BY_CONTROLLER, each with its own key", async () => {
  const loaded = await Promise.all(
    DECIDED_ON_DEMAND.map(async (entry) => {
      const handler = "load" in entry ? await entry.load() : entry;
      assertEquals(entry.api.key, handler.api.key, handler.api.name);
      return handler;
    }),
  );
  loaded.sort((a, b) => a.api.key - b.api.key);
  assertEquals(loaded.map(({ api }) => api.name), DECIDED_BY_CONTROLLER.map(({ api }) => api.name));
  assertEquals(loaded.every((handler, i) => handler === DECIDED_BY_CONTROLLER[i]), true);
});

const deleting = defineHandler(deleteTopics, {
  handle({ topics }) {
    if (topics.length === 0) throw new KafkaError(ErrorCode.INVALID_REQUEST, "no topics");
    return { responses: [] };
  },
  onError: (_request, errorCode) => ({
    responses: [{ name: "", topicId: "", errorCode, errorMessage: null }],
  }),
});

function deleteTopicsAt(handlers: LocalHandlers<unknown>) {
  const controller = localController({ handlers, services: null });
  return (topics: readonly unknown[]) =>
    controller.handle(deleteTopics, 6, { topics, timeoutMs: 0 }, OWN_NODE);
}

test("localController() loads a handler on its first request, and once", async () => {
  let loads = 0;
  const load = () => Promise.resolve(deleting).finally(() => void loads++);
  const ask = deleteTopicsAt([{ api: deleteTopics, load }]);
  assertEquals(loads, 0);
  assertEquals(await ask([{}]), { responses: [] });
  assertEquals(ask([{}]), { responses: [] });
  assertEquals(loads, 1);
});

test("localController() answers the failure of a handler that it has loaded", async () => {
  const load = () => Promise.resolve(deleting);
  const controller = localController({
    handlers: [{ api: deleteTopics, load }],
    services: null,
  });
  const request = { topics: [], timeoutMs: 0 };
  const error = await assertRejects(
    async () => await controller.handle(deleteTopics, 6, request, OWN_NODE),
    KafkaError,
    "no topics",
  );
  assertEquals(controller.onError(deleteTopics, 6, request, error), {
    responses: [{
      name: "",
      topicId: "",
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: null,
    }],
  });
});

test("localController() closes the connection if a handler cannot be loaded, and loads it again", async () => {
  let isBroken = true;
  const load = () =>
    isBroken ? Promise.reject(new Error("no such file")) : Promise.resolve(deleting);
  const ask = deleteTopicsAt([{ api: deleteTopics, load }]);
  await assertRejects(
    async () => await ask([{}]),
    CloseConnection,
    "Cannot load what answers DeleteTopics: no such file",
  );
  isBroken = false;
  assertEquals(await ask([{}]), { responses: [] });
});
