import { assertEquals, assertRejects } from "@std/assert";
import { EncodedAnswer } from "../../../src/network/server/encoded_answer.ts";
import {
  CloseConnection,
  defineHandler,
  type Handler,
} from "../../../src/network/server/handler.ts";
import type { Interceptor } from "../../../src/network/server/interceptor.ts";
import { silentLogger } from "../../../src/logger.ts";
import { ErrorCode, errorName, KafkaError } from "../../../src/protocol/errors.ts";
import { deleteGroups } from "../../../src/protocol/messages/delete_groups.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";
import { askHandler } from "./ask_handler.ts";

interface Needs {
  /** The names of the groups that the handler was asked to delete. */
  readonly deleted: string[];
}

const handler: Handler<Needs> = defineHandler(deleteGroups, {
  handle({ groupsNames }, { services }) {
    services.deleted.push(...groupsNames);
    return { results: groupsNames.map((groupId) => ({ groupId, errorCode: ErrorCode.NONE })) };
  },
  onError: ({ groupsNames }, errorCode, errorMessage) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode, errorMessage })),
  }),
});

/** Asks to delete the group "g". Returns the deleted groups, and the answer as `GROUP ERROR`. */
async function ask(...interceptors: Interceptor<Needs>[]): Promise<[string[], string[]]> {
  const deleted: string[] = [];
  const { results } = await askHandler(handler, deleteGroups, 2, { groupsNames: ["g"] }, {
    services: { deleted },
    interceptors,
    logger: silentLogger,
  });
  return [deleted, results.map(({ groupId, errorCode }) => `${groupId} ${errorName(errorCode)}`)];
}

test("an interceptor observes requests and answers", async () => {
  const seen: unknown[] = [];
  const [deleted, answer] = await ask(({ name, request, context }, next) => {
    const answer = next();
    seen.push(name, request, context.apiVersion, context.clientId, answer);
    return answer;
  });
  assertEquals([deleted, answer], [["g"], ["g NONE"]]);
  assertEquals(seen, [
    "DeleteGroups",
    { groupsNames: ["g"] },
    2,
    "client",
    { results: [{ groupId: "g", errorCode: ErrorCode.NONE }] },
  ]);
});

test("an encoded answer is sent as it is, and an interceptor sees it decoded", async () => {
  const answer = {
    throttleTimeMs: 0,
    results: [{ groupId: "g", errorCode: 69, errorMessage: null }],
  };
  const writer = new ByteWriter();
  deleteGroups.responseCodec(2).write(writer, answer);
  const body = writer.toBytes();
  const encoded = new EncodedAnswer(
    body,
    () => deleteGroups.responseCodec(2).read(new ByteReader(body)),
  );
  for (const returned of [encoded, Promise.resolve(encoded)]) {
    const passing: Handler<unknown> = { ...handler, handle: () => returned };
    const seen: unknown[] = [];
    const interceptor: Interceptor<unknown> = async (_intercepted, next) => {
      const result = await next();
      seen.push(result);
      return result;
    };
    for (const interceptors of [[], [interceptor]]) {
      const query = { groupsNames: ["g"] };
      const options = { services: {}, interceptors, logger: silentLogger };
      assertEquals(await askHandler(passing, deleteGroups, 2, query, options), answer);
    }
    assertEquals(seen, [answer]);
  }
});

test("an interceptor changes a request, calls its handler twice, and uses its dependencies", async () => {
  const seen: string[] = [];
  const outcome = await ask(({ context }, next) => {
    next({ groupsNames: ["h"] });
    seen.push(...context.services.deleted);
    return next();
  });
  assertEquals(outcome, [["h", "g"], ["g NONE"]]);
  assertEquals(seen, ["h"]);
});

test("an interceptor answers instead of the handler", async () => {
  const answer = { results: [{ groupId: "g", errorCode: ErrorCode.NON_EMPTY_GROUP }] };
  assertEquals(await ask(() => answer), [[], ["g NON_EMPTY_GROUP"]]);
});

test("an interceptor delays a request", async () => {
  const events: string[] = [];
  const outcome = ask(async ({ context }, next) => {
    events.push("waits");
    await Promise.resolve();
    events.push(`has deleted ${context.services.deleted.length}`);
    return next();
  });
  assertEquals(events, ["waits"]);
  assertEquals(await outcome, [["g"], ["g NONE"]]);
  assertEquals(events, ["waits", "has deleted 0"]);
});

test("an error that an interceptor throws becomes the request's own form of error", async () => {
  const notNow = () => new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, "Not now");
  const loading: [string[], string[]] = [[], ["g COORDINATOR_LOAD_IN_PROGRESS"]];
  const throws = () => {
    throw notNow();
  };
  assertEquals(await ask(throws), loading);
  assertEquals(await ask(() => Promise.reject(notNow())), loading);
  const defect = () => {
    throw new Error("a defect");
  };
  assertEquals(await ask(defect), [[], ["g UNKNOWN_SERVER_ERROR"]]);
});

test("an interceptor closes the connection", async () => {
  const closes = () => {
    throw new CloseConnection("closed by a test");
  };
  await assertRejects(() => ask(closes), CloseConnection, "closed by a test");
});

test("an interceptor leaves a request without an answer", async () => {
  await assertRejects(() => ask(() => null), Error, "was not answered");
});

test("interceptors run in the order of their list", async () => {
  const events: string[] = [];
  const tracing = (name: string): Interceptor => (_intercepted, next) => {
    events.push(`${name} begins`);
    const answer = next();
    events.push(`${name} ends`);
    return answer;
  };
  await ask(tracing("outer"), tracing("inner"));
  assertEquals(events, ["outer begins", "inner begins", "inner ends", "outer ends"]);
});

test("the dispatcher calls the handler directly if there is no interceptor", async () => {
  let thisArgument: unknown;
  const observed: Handler<Needs> = {
    ...handler,
    handle(this: unknown, request, context) {
      thisArgument = this;
      return handler.handle(request, context);
    },
  };
  await askHandler(observed, deleteGroups, 2, { groupsNames: [] }, { services: { deleted: [] } });
  assertEquals(thisArgument, observed);
});
