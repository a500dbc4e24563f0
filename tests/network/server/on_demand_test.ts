import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  defineHandler,
  type Handler,
  type HandlerOnDemand,
} from "../../../src/network/server/handler.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { describeGroups } from "../../../src/protocol/messages/describe_groups.ts";
import { listGroups } from "../../../src/protocol/messages/list_groups.ts";
import type { RawClient } from "../../broker/raw_client.ts";
import { test } from "../../harness.ts";
import { withServer } from "./server_fixture.ts";

const DESCRIBE_VERSION = 5;

/** The handlers append what they see to it. */
type Events = string[];

const listHandler: Handler<Events> = defineHandler(listGroups, {
  handle(_request, { services }) {
    services.push("list");
    return { errorCode: ErrorCode.NONE, groups: [] };
  },
  onError: (_request, errorCode) => ({ errorCode, groups: [] }),
});

const describeHandler: Handler<Events> = defineHandler(describeGroups, {
  handle({ groups }, { services }) {
    services.push(`describe ${groups.join()}`);
    return { groups: [] };
  },
  onError: () => ({ groups: [] }),
});

const versionsHandler: Handler<Events> = defineHandler(apiVersions, {
  handle: (_request, { servedApis }) => ({
    errorCode: ErrorCode.NONE,
    apiKeys: servedApis.map(({ key, minVersion, maxVersion }) => ({
      apiKey: key,
      minVersion,
      maxVersion,
    })),
  }),
  onError: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
});

/** DescribeGroups on demand: each load waits for `settle`. */
function describeOnDemand() {
  const loads: PromiseWithResolvers<Handler<Events>>[] = [];
  const waiting: (() => void)[] = [];
  const onDemand: HandlerOnDemand<Events> = {
    api: describeHandler.api,
    load() {
      const load = Promise.withResolvers<Handler<Events>>();
      loads.push(load);
      waiting.shift()?.();
      return load.promise;
    },
  };
  return {
    onDemand,
    /** Resolves with the next load once it has begun. */
    async nextLoad(): Promise<PromiseWithResolvers<Handler<Events>>> {
      if (loads.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return loads.shift()!;
    },
    get pending(): number {
      return loads.length;
    },
  };
}

function describe(client: RawClient, group: string): Uint8Array {
  return client.frame(describeGroups, DESCRIBE_VERSION, { groups: [group] });
}

test("a handler is loaded on its first request, which later ones of its connection wait for", async () => {
  const events: Events = [];
  const { onDemand, nextLoad } = describeOnDemand();
  await withServer(
    { handlers: [onDemand, listHandler, versionsHandler], services: events },
    async ({ client, connect }) => {
      const { apiKeys } = await client.request(apiVersions, 3, {
        clientSoftwareName: "test",
        clientSoftwareVersion: "1",
      });
      assertEquals(apiKeys.map(({ apiKey }) => apiKey), [
        describeGroups.key,
        listGroups.key,
        apiVersions.key,
      ]);
      await client.sendBytes(Uint8Array.from([
        ...describe(client, "a"),
        ...client.frame(listGroups, 3, {}),
      ]));
      const load = await nextLoad();
      // Another connection is served meanwhile.
      const other = await connect();
      await other.request(listGroups, 3, {});
      assertEquals(events, ["list"]);
      // Its next bytes would be read into the frame that waits.
      await client.sendBytes(describe(client, "b".repeat(200)));
      load.resolve(describeHandler);
      await client.answer(describeGroups, DESCRIBE_VERSION);
      await client.answer(listGroups, 3);
      await client.answer(describeGroups, DESCRIBE_VERSION);
      assertEquals(events, ["list", "describe a", "list", `describe ${"b".repeat(200)}`]);
    },
  );
});

test("a handler that two connections need at the same time answers both", async () => {
  const events: Events = [];
  const { onDemand, nextLoad } = describeOnDemand();
  const intercepted: string[] = [];
  await withServer(
    {
      handlers: [onDemand],
      services: events,
      interceptors: [({ name }, next) => {
        intercepted.push(name);
        return next();
      }],
    },
    async ({ client, connect }) => {
      const other = await connect();
      await client.sendBytes(describe(client, "a"));
      const first = await nextLoad();
      await other.sendBytes(describe(other, "b"));
      const second = await nextLoad();
      second.resolve(describeHandler);
      await other.answer(describeGroups, DESCRIBE_VERSION);
      first.resolve(describeHandler);
      await client.answer(describeGroups, DESCRIBE_VERSION);
      assertEquals(events, ["describe b", "describe a"]);
      assertEquals(intercepted, ["DescribeGroups", "DescribeGroups"]);
    },
  );
});

test("a handler that cannot be loaded closes the connection, and the next request loads again", async () => {
  const events: Events = [];
  const { onDemand, nextLoad } = describeOnDemand();
  await withServer(
    { handlers: [onDemand], services: events },
    async ({ client, connect, messages }) => {
      await client.sendBytes(describe(client, "a"));
      (await nextLoad()).reject(new TypeError("Module not found"));
      assertEquals(await client.nextFrame(), null);
      assertStringIncludes(messages[0]!, "Cannot load what answers DescribeGroups: Module not");
      assertStringIncludes(messages[1]!, "DescribeGroups cannot be answered");
      const other = await connect();
      await other.sendBytes(describe(other, "b"));
      (await nextLoad()).resolve(describeHandler);
      await other.answer(describeGroups, DESCRIBE_VERSION);
      assertEquals(events, ["describe b"]);
    },
  );
});

test("a request that cannot be decoded closes its connection also after its handler was loaded", async () => {
  const events: Events = [];
  const { onDemand, nextLoad } = describeOnDemand();
  await withServer(
    { handlers: [onDemand], services: events },
    async ({ client, messages }) => {
      const frame = describe(client, "a");
      // The length of the group's name exceeds the frame.
      frame[frame.length - 4] = 0x7f;
      await client.sendBytes(frame);
      (await nextLoad()).resolve(describeHandler);
      assertEquals(await client.nextFrame(), null);
      assertStringIncludes(messages[0]!, "Closed 127.0.0.1");
      assertEquals(events, []);
    },
  );
});

test("a version that is not served loads no handler", async () => {
  const onDemand = describeOnDemand();
  await withServer(
    { handlers: [onDemand.onDemand], services: [] },
    async ({ client, messages }) => {
      const frame = describe(client, "a");
      new DataView(frame.buffer, frame.byteOffset).setInt16(6, describeGroups.maxVersion + 1);
      await client.sendBytes(frame);
      assertEquals(await client.nextFrame(), null);
      assertStringIncludes(messages[0]!, "DescribeGroups version 7 is not served here");
      assertEquals(onDemand.pending, 0);
    },
  );
});

test("an orderly shutdown waits for a handler that is being loaded", async () => {
  const events: Events = [];
  const { onDemand, nextLoad } = describeOnDemand();
  await withServer(
    { handlers: [onDemand], services: events },
    async ({ client, server }) => {
      await client.sendBytes(describe(client, "a"));
      const load = await nextLoad();
      const closed = server.close();
      load.resolve(describeHandler);
      await client.answer(describeGroups, DESCRIBE_VERSION);
      await closed;
      assertEquals(events, ["describe a"]);
    },
  );
});
