/**
 * The contract of every {@linkcode Runtime}, tested with the host's and the simulated one.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AddressInUseError,
  type Connection,
  ConnectionError,
  FileError,
  type Listener,
  type Runtime,
} from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { testCryptography } from "./crypto_contract.ts";

/** A runtime under test. */
export interface Subject {
  readonly runtime: Runtime;
  /** The name or address that the runtime listens on and can be reached at. */
  readonly host: string;
  /** An empty working directory. */
  readonly directory: string;
  /** Drives the runtime until `done` settles. */
  run(done: Promise<void>): Promise<void>;
  dispose(): void;
}

/** Registers the contract's tests. `open` creates a new runtime for each. */
export function testRuntimeContract(name: string, open: () => Subject): void {
  const check = checkOf(name, open);
  testClock(check);
  testNetwork(check);
  testFiles(check);
  testCodecs(check);
  testCryptography(check);
}

/** Registers the tests of the contract about files. */
export function testFileContract(name: string, open: () => Subject): void {
  testFiles(checkOf(name, open));
}

function checkOf(name: string, open: () => Subject): Check {
  return (what, body) =>
    test(`${name} ${what}`, async () => {
      const subject = open();
      try {
        await subject.run(body(subject));
      } finally {
        subject.dispose();
      }
    });
}

/** Registers one test of the contract. */
export type Check = (what: string, body: (subject: Subject) => Promise<void>) => void;

function testClock(check: Check): void {
  check("clock calls timers in order and forgets cancelled ones", async ({ runtime }) => {
    const { clock } = runtime;
    const called: string[] = [];
    const before = clock.monotonicMs();
    await new Promise<void>((resolve) => {
      clock.setTimer(25, () => {
        called.push("late");
        resolve();
      });
      clock.setTimer(1, () => called.push("early"));
      clock.setTimer(2, () => called.push("never")).cancel();
    });
    assertEquals(called, ["early", "late"]);
    assert(clock.monotonicMs() - before >= 24);
    assert(Number.isInteger(clock.now()));
  });

  check("clock yields to timers that are due", async ({ runtime }) => {
    let called = false;
    runtime.clock.setTimer(0, () => called = true);
    for (let turn = 0; turn < 100_000 && !called; turn++) await runtime.clock.yieldToLoop();
    assert(called);
  });

  check("random numbers fill any length and stay below their bound", ({ runtime }) => {
    const bytes = runtime.random.fill(new Uint8Array(200_000));
    assert(bytes.subarray(190_000).some((byte) => byte !== 0));
    const seen = new Set<number>();
    for (let draw = 0; draw < 500; draw++) seen.add(runtime.random.below(5));
    assertEquals([...seen].sort(), [0, 1, 2, 3, 4]);
    assertEquals(runtime.random.below(1), 0);
    assert(runtime.random.below(2 ** 32) < 2 ** 32);
    assertThrows(() => runtime.random.below(0), RangeError);
    return Promise.resolve();
  });
}

async function connectPair(
  { runtime, host }: Pick<Subject, "runtime" | "host">,
  target = host,
): Promise<{ listener: Listener; client: Connection; server: Connection }> {
  const listener = await runtime.network.listen({ host, port: 0 });
  const [client, server] = await Promise.all([
    runtime.network.connect({ host: target, port: listener.address.port }),
    listener.accept(),
  ]);
  assert(server !== null);
  return { listener, client, server };
}

async function readExactly(connection: Connection, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await connection.readInto!(buffer.subarray(filled));
    assert(count !== null, `the stream ended after ${filled} of ${length} bytes`);
    assert(count > 0);
    filled += count;
  }
  return buffer;
}

function pattern(length: number, start = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (start + index) * 31 >>> 3;
  return bytes;
}

function testNetwork(check: Check): void {
  check(
    "network listens on every address, and an IPv4 peer has an IPv4 address",
    async ({ runtime }) => {
      for (const host of ["", "0.0.0.0"]) {
        const { client, server, listener } = await connectPair({ runtime, host }, "127.0.0.1");
        const hosts = [server.localAddress, server.remoteAddress, client.remoteAddress];
        for (const one of [client, server, listener]) one.close();
        for (const { host } of hosts) assert(!host.includes(":"), host);
      }
    },
  );

  check("network echoes through Web Streams", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    assertEquals(client.remoteAddress.port, listener.address.port);
    assertEquals(server.localAddress.port, listener.address.port);
    assertEquals(server.remoteAddress.port, client.localAddress.port);

    const echo = (async (): Promise<void> => {
      const writer = server.writable.getWriter();
      for await (const chunk of server.readable) await writer.write(chunk);
    })();
    const writer = client.writable.getWriter();
    const reader = client.readable.getReader({ mode: "byob" });
    const sent = pattern(10_000);
    const [received] = await Promise.all([
      (async (): Promise<number[]> => {
        const bytes: number[] = [];
        let buffer: Uint8Array<ArrayBuffer> = new Uint8Array(3000);
        while (bytes.length < sent.length) {
          const { value, done } = await reader.read(buffer);
          assert(!done && value !== undefined);
          bytes.push(...value);
          buffer = new Uint8Array(value.buffer);
        }
        return bytes;
      })(),
      writer.write(sent.subarray(0, 1)).then(() => writer.write(sent.subarray(1))),
    ]);
    assertEquals(new Uint8Array(received), sent);
    client.close();
    await assertRejects(() => reader.read(new Uint8Array(1)), ConnectionError);
    await echo.catch(() => {});
    server.close();
    listener.close();
  });

  check("network ends a Web Stream when the peer has closed", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    await client.writeAll!(pattern(5));
    client.close();
    let received = 0;
    for await (const chunk of server.readable) received += chunk.length;
    assertEquals(received, 5);
    server.close();
    listener.close();
  });

  check("network carries large transfers through the fast path, in order", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    const blocks = 24;
    const blockBytes = 512 * 1024;
    const send = (async (): Promise<void> => {
      // One buffer for all writes: it may be reused once a write has settled.
      const buffer = new Uint8Array(blockBytes);
      for (let block = 0; block < blocks; block++) {
        buffer.fill(block + 1);
        await client.writeAll!(buffer);
      }
      client.close();
    })();
    const receive = (async (): Promise<void> => {
      for (let block = 0; block < blocks; block++) {
        const bytes = await readExactly(server, blockBytes);
        assert(bytes.every((byte) => byte === block + 1), `block ${block} is mixed up`);
      }
      assertEquals(await server.readInto!(new Uint8Array(1)), null);
      assertEquals(await server.readInto!(new Uint8Array(1)), null);
    })();
    await Promise.all([send, receive]);
    server.close();
    listener.close();
  });

  check("network holds a sender back while nobody reads", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    const block = new Uint8Array(1024 * 1024);
    const limit = 64;
    let sent = 0;
    const send = (async (): Promise<void> => {
      for (; sent < limit; sent++) await client.writeAll!(block);
    })();
    // The sender is blocked once many turns of the event loop bring no further block.
    let idleTurns = 0;
    for (let last = -1; idleTurns < 2000;) {
      await subject.runtime.clock.yieldToLoop();
      idleTurns = sent === last ? idleTurns + 1 : 0;
      last = sent;
    }
    assert(sent < limit, "64 MB were taken although nobody read");
    await readExactly(server, limit * block.length);
    await send;
    client.close();
    server.close();
    listener.close();
  });

  check("network delivers what was sent before the close, then null", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    const received = readExactly(client, 4);
    await server.writeAll!(pattern(4));
    server.close();
    assertEquals(await received, pattern(4));
    assertEquals(await client.readInto!(new Uint8Array(10)), null);
    client.close();
    listener.close();
  });

  check("network rejects pending reads and later calls on close", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    const pending = client.readInto!(new Uint8Array(10));
    const rejected = assertRejects(() => pending, ConnectionError);
    client.close();
    client.close();
    await rejected;
    await assertRejects(() => client.readInto!(new Uint8Array(10)), ConnectionError);
    await assertRejects(() => client.writeAll!(new Uint8Array(10)), ConnectionError);
    assertEquals(await server.readInto!(new Uint8Array(10)), null);
    server.close();
    listener.close();
  });

  check("network rejects pending writes on close", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    const rejected = assertRejects(async () => {
      for (;;) await client.writeAll!(new Uint8Array(1024 * 1024));
    }, ConnectionError);
    await readExactly(server, 1);
    for (let turn = 0; turn < 100; turn++) await subject.runtime.clock.yieldToLoop();
    client.close();
    await rejected;
    server.close();
    listener.close();
  });

  check("network breaks a writer whose peer has gone", async (subject) => {
    const { listener, client, server } = await connectPair(subject);
    server.close();
    await assertRejects(async () => {
      for (let block = 0; block < 1000; block++) await client.writeAll!(new Uint8Array(65_536));
    }, ConnectionError);
    client.close();
    listener.close();
  });

  check("network refuses a port that is taken", async ({ runtime, host }) => {
    const listener = await runtime.network.listen({ host, port: 0 });
    const { port } = listener.address;
    const error = await assertRejects(
      () => runtime.network.listen({ host, port }),
      AddressInUseError,
    );
    assert(error.message.includes(String(port)));
    listener.close();
    const again = await runtime.network.listen({ host, port });
    again.close();
  });

  check("network says that nothing listens", async ({ runtime, host }) => {
    const listener = await runtime.network.listen({ host, port: 0 });
    const { port } = listener.address;
    listener.close();
    const error = await assertRejects(
      () => runtime.network.connect({ host, port }),
      ConnectionError,
    );
    assert(error.message.includes(String(port)));
  });

  check("network accept() gives null once closed", async ({ runtime, host }) => {
    const listener = await runtime.network.listen({ host, port: 0 });
    const pending = listener.accept();
    listener.close();
    listener.close();
    assertEquals(await pending, null);
    assertEquals(await listener.accept(), null);
  });
}

function testFiles(check: Check): void {
  const reasonOf = (operation: () => unknown): string => {
    const error = assertThrows(operation, FileError);
    assert(error.message.startsWith("Cannot "));
    return error.reason;
  };

  check("files read and write where they are told", async ({ runtime: { files }, directory }) => {
    const path = `${directory}/records.log`;
    const file = files.open(path, "create");
    file.writeAt(pattern(100_000), 0);
    file.writeAt(new Uint8Array([1, 2, 3]), 50_000);
    assertEquals(file.size(), 100_000);
    const target = new Uint8Array(5);
    assertEquals(file.readAt(target, 49_999), 5);
    const expected = pattern(100_000);
    assertEquals([...target], [expected[49_999]!, 1, 2, 3, expected[50_003]!]);
    assertEquals(file.readAt(target, 99_998), 2);
    assertEquals(file.readAt(target, 100_000), 0);
    assertEquals(file.readAt(target, 200_000), 0);
    file.writeAt(new Uint8Array([9]), 100_010);
    assertEquals(file.readAt(target, 100_006), 5);
    assertEquals([...target], [0, 0, 0, 0, 9]);
    await file.sync();
    file.close();
    const again = files.open(path, "read");
    assertEquals(again.size(), 100_011);
    assertEquals(reasonOf(() => again.writeAt(target, 0)) === "not-found", false);
    again.close();
  });

  check("files are read while other work goes on", async ({ runtime: { files }, directory }) => {
    const path = `${directory}/records.log`;
    const file = files.open(path, "create");
    const content = pattern(300_000);
    file.writeAt(content, 0);
    const first = new Uint8Array(200_000);
    const second = new Uint8Array(200_000);
    const small = new Uint8Array(3);
    const reads = [file.read(first, 0), file.read(second, 150_000), file.read(small, 300_000)];
    // A read in progress does not affect the position of other operations.
    file.writeAt(new Uint8Array([1, 2, 3]), 300_000);
    assertEquals(file.readAt(new Uint8Array(10), 299_998), 5);
    const counts = await Promise.all(reads);
    assertEquals(counts.slice(0, 1), [200_000]);
    // Bytes written during a read may or may not be read.
    assert(counts[1] === 150_000 || counts[1] === 150_003, `${counts[1]} bytes`);
    assertEquals(first, content.subarray(0, 200_000));
    assertEquals(second.subarray(0, 150_000), content.subarray(150_000));
    assertEquals(await file.read(small, 400_000), 0);

    const underWay = file.read(first, 1);
    file.close();
    assertEquals(await underWay, 200_000);
    assertEquals(first, content.subarray(1, 200_001));
    assertEquals((await assertRejects(() => file.read(small, 0), FileError)).reason, "refused");
  });

  check("files reach beyond 4 GiB", ({ runtime: { files }, directory }) => {
    const file = files.open(`${directory}/sparse`, "create");
    const position = 5 * 1024 ** 3 + 7;
    file.writeAt(new Uint8Array([42]), position);
    assertEquals(file.size(), position + 1);
    const target = new Uint8Array(2);
    assertEquals(file.readAt(target, position - 1), 2);
    assertEquals([...target], [0, 42]);
    file.close();
    return Promise.resolve();
  });

  check("files are cut, and extended with zeros", ({ runtime: { files }, directory }) => {
    const file = files.open(`${directory}/f`, "create");
    file.writeAt(new Uint8Array(200_000).fill(7), 0);
    file.truncate(70_000);
    assertEquals(file.size(), 70_000);
    file.truncate(70_003);
    const target = new Uint8Array(5);
    assertEquals(file.readAt(target, 69_999), 4);
    assertEquals([...target], [7, 0, 0, 0, 0]);
    file.truncate(0);
    assertEquals(file.readAt(target, 0), 0);
    file.close();
    return Promise.resolve();
  });

  check(
    "files can be listed, renamed and removed",
    async ({ runtime: { files }, directory }) => {
      files.makeDirectory(`${directory}/a/b/c`);
      files.makeDirectory(`${directory}/a/b/c`);
      files.open(`${directory}/a/one`, "create").close();
      const two = files.open(`${directory}/a/two`, "create");
      two.writeAt(new Uint8Array([2]), 0);
      two.close();
      const list = (path: string): string[] =>
        files.list(path).map(({ name, isDirectory }) => isDirectory ? `${name}/` : name).sort();
      assertEquals(list(`${directory}/a`), ["b/", "one", "two"]);

      files.rename(`${directory}/a/two`, `${directory}/a/one`);
      assertEquals(list(`${directory}/a`), ["b/", "one"]);
      const moved = files.open(`${directory}/a/one`, "read");
      assertEquals(moved.size(), 1);
      moved.close();

      files.open(`${directory}/a/b/inside`, "create").close();
      files.rename(`${directory}/a/b`, `${directory}/moved`);
      assertEquals(list(`${directory}/moved`), ["c/", "inside"]);
      assertEquals(files.exists(`${directory}/a/b`), false);
      await files.syncDirectory(directory);

      files.remove(`${directory}/moved`);
      files.remove(`${directory}/moved`);
      const remove = (path: string) => files.removeLater?.(path) ?? files.remove(path);
      await remove(`${directory}/a/one`);
      await remove(`${directory}/a/one`);
      assertEquals(list(directory), ["a/"]);
      assertEquals(files.exists(`${directory}/a`), true);
      assertEquals(files.exists(`${directory}/a/one`), false);
    },
  );

  check("files fail with a reason", async ({ runtime: { files }, directory }) => {
    assertEquals(reasonOf(() => files.open(`${directory}/none`, "read")), "not-found");
    assertEquals(reasonOf(() => files.open(`${directory}/none`, "write")), "not-found");
    assertEquals(reasonOf(() => files.open(`${directory}/none/f`, "create")), "not-found");
    assertEquals(reasonOf(() => files.list(`${directory}/none`)), "not-found");
    assertEquals(
      reasonOf(() => files.rename(`${directory}/none`, `${directory}/x`)),
      "not-found",
    );
    files.open(`${directory}/file`, "create").close();
    assertEquals(reasonOf(() => files.list(`${directory}/file`)), "not-a-directory");
    assertEquals(
      reasonOf(() => files.open(`${directory}/file/f`, "create")),
      "not-a-directory",
    );
    assertEquals(reasonOf(() => files.makeDirectory(`${directory}/file`)), "exists");
    await assertRejects(() => files.syncDirectory(`${directory}/none`), FileError);
    const closed = files.open(`${directory}/file`, "write");
    closed.close();
    closed.close();
    assertEquals(reasonOf(() => closed.writeAt(new Uint8Array(1), 0)), "refused");
    await assertRejects(() => closed.sync(), FileError);
  });

  check("files tell how much room their disk has", async ({ runtime: { files }, directory }) => {
    const space = await files.space?.(directory) ?? null;
    if (space === null) return;
    assert(space.total > 0 && Number.isSafeInteger(space.total));
    assert(space.usable >= 0 && space.usable <= space.total);
    await assertRejects(() => files.space!(`${directory}/none`), FileError, "none");
  });

  check("files can be closed while they sync", async ({ runtime: { files }, directory }) => {
    const file = files.open(`${directory}/f`, "create");
    file.writeAt(new Uint8Array(1000), 0);
    const synced = file.sync();
    file.close();
    await synced;
  });

  check("a lock is held once and can be taken again after release", ({ runtime, directory }) => {
    const { files } = runtime;
    const path = `${directory}/.lock`;
    const lock = files.tryLock(path);
    assert(lock !== null);
    assertEquals(files.tryLock(path), null);
    lock.release();
    lock.release();
    const again = files.tryLock(path);
    assert(again !== null);
    assertEquals(files.tryLock(path), null);
    again.release();
    assertEquals(reasonOf(() => files.tryLock(`${directory}/none/.lock`)), "not-found");
    return Promise.resolve();
  });
}

function testCodecs(check: Check): void {
  check("codecs round-trip and keep their limit", ({ runtime }) => {
    const bytes = pattern(100_000);
    const { gzip, gunzip, zstd } = runtime.codecs();
    const packed = gzip(bytes, 6);
    assert(packed.length < bytes.length);
    assertEquals(new Uint8Array(gunzip(packed, bytes.length)), bytes);
    assertThrows(() => gunzip(packed, bytes.length - 1));
    assertThrows(() => gunzip(packed.subarray(0, packed.length - 20), bytes.length));
    assertThrows(() => gunzip(pattern(50), 1000));
    const small = zstd.compress(bytes, 3);
    assert(small.length < bytes.length);
    assertEquals(new Uint8Array(zstd.decompress(small, bytes.length)), bytes);
    assertThrows(() => zstd.decompress(small, bytes.length - 1));
    assertThrows(() => zstd.decompress(pattern(50), 1000));
    return Promise.resolve();
  });
}
