import { assert, assertEquals } from "@std/assert";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";
import { residentBytes, startNode } from "./node_process.ts";

const CONNECTIONS = 60;
const ANNOUNCED = 90 * 1024 * 1024;
const SENT_EACH = 64 * 1024;
const MEMORY_LIMIT = 200 * 1024 * 1024;

test("sixty connections that announce 90 MiB each cost what they send, not what they announce", async () => {
  if (Deno.build.os !== "linux") return console.log("memory is read from /proc: only on Linux");
  await using node = await startNode(["--memory"]);
  const runtime = hostRuntime();
  const address = { host: "127.0.0.1", port: node.port };
  const hostile: RawClient[] = [];
  try {
    const start = new Uint8Array(SENT_EACH);
    new DataView(start.buffer).setInt32(0, ANNOUNCED);
    for (let i = 0; i < CONNECTIONS; i++) {
      const client = await RawClient.connect(runtime, address);
      hostile.push(client);
      await client.sendBytes(start);
    }
    const honest = await RawClient.connect(runtime, address);
    hostile.push(honest);
    for (let i = 0; i < 100; i++) {
      assertEquals((await honest.request(apiVersions, 0, {})).errorCode, 0);
    }
    const resident = residentBytes(node.pid);
    assert(resident < MEMORY_LIMIT, `${resident} bytes are resident`);
  } finally {
    for (const client of hostile) client.close();
  }
});
