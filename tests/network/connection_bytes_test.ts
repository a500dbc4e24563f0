/**
 * Reading and writing a connection with and without the fast path of its runtime.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { readerOf, writerOf } from "../../src/network/connection_bytes.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Connection } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";

/** A connection with Web Streams alone. */
function streamsOnly(connection: Connection): Connection {
  const { localAddress, remoteAddress } = connection;
  return {
    localAddress,
    remoteAddress,
    get readable() {
      return connection.readable;
    },
    get writable() {
      return connection.writable;
    },
    close: () => connection.close(),
  };
}

for (const way of ["its fast path", "its Web Streams"]) {
  test(`readerOf() and writerOf() use a connection by ${way}`, async () => {
    const { network } = hostRuntime();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 });
    const opened = await Promise.all([network.connect(listener.address), listener.accept()]);
    const [client, server] = way === "its fast path"
      ? [opened[0], opened[1]!]
      : [streamsOnly(opened[0]), streamsOnly(opened[1]!)];
    const [read, write] = [readerOf(server), writerOf(client)];
    const received: number[] = [];
    for (const bytes of [[1, 2, 3], [4]]) {
      await write(Uint8Array.from(bytes));
      const space = new Uint8Array(16);
      const found = await read(space);
      received.push(...(typeof found === "number" ? space.subarray(0, found) : found!));
    }
    assertEquals(received, [1, 2, 3, 4]);
    client.close();
    assertEquals(await read(new Uint8Array(16)).catch(() => null), null);
    server.close();
    listener.close();
  });
}
