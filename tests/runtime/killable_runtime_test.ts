/**
 * What a killed process leaves behind, and that a wrapped runtime otherwise behaves like its host's.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { isProcessEnded, ProcessEnded } from "../../src/runtime/process_ended.ts";
import { test } from "../harness.ts";
import { testRuntimeContract } from "./contract.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

/** A process on the host's network and clock, with files in memory. */
function killable(): { process: KillableRuntime; files: MemoryFileSystem } {
  const files = new MemoryFileSystem();
  files.makeDirectory("/data");
  return { process: new KillableRuntime({ ...hostRuntime(), files }), files };
}

testRuntimeContract("killable runtime's", () => {
  const { process: { runtime } } = killable();
  return {
    runtime,
    host: LOCAL.host,
    directory: "/data",
    run: (done) => done,
    dispose: () => {},
  };
});

/** Whether `promise` settles within a few turns of the event loop and of the network. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let hasSettled = false;
  promise.then(() => hasSettled = true, () => hasSettled = true);
  const { clock, network } = hostRuntime();
  const listener = await network.listen(LOCAL);
  for (let turn = 0; turn < 3; turn++) {
    await clock.yieldToLoop();
    const [one, other] = await Promise.all([
      network.connect(listener.address),
      listener.accept(),
    ]);
    one.close();
    other!.close();
  }
  listener.close();
  return hasSettled;
}

test("held() names what has not been given back", async () => {
  const { process } = killable();
  const { clock, files, network } = process.runtime;
  const timer = clock.setTimer(60_000, () => {});
  const file = files.open("/data/a", "create");
  const lock = files.tryLock("/data/.lock")!;
  const listener = await network.listen(LOCAL);
  const { port } = listener.address;
  const [client, server] = await Promise.all([
    network.connect(listener.address),
    listener.accept(),
  ]);
  assertEquals(process.held().slice(0, 4), [
    "a timer of 60000 ms",
    "the file /data/a",
    "the lock /data/.lock",
    `the listener on port ${port}`,
  ]);
  assertEquals(process.held().length, 6);
  client.close();
  server!.close();
  listener.close();
  lock.release();
  file.close();
  timer.cancel();
  assertEquals(process.held(), []);
});

test("onUse() reports each use of clock, files and network", async () => {
  const { process } = killable();
  const { clock, files, network } = process.runtime;
  const uses: string[] = [];
  process.onUse = (what) => void uses.push(what);
  clock.setTimer(5, () => {}).cancel();
  const file = files.open("/data/a", "create");
  await file.sync();
  file.close();
  (await network.listen(LOCAL)).close();
  assertEquals(uses, [
    "set a timer of 5 ms",
    "open /data/a",
    "sync /data/a",
    "listen on 127.0.0.1:0",
  ]);
});

test("kill() frees files and locks and keeps what was written", () => {
  const { process, files } = killable();
  const file = process.runtime.files.open("/data/a", "create");
  process.runtime.files.tryLock("/data/.lock");
  file.writeAt(Uint8Array.of(1, 2, 3), 0);
  process.kill();
  assertEquals(process.held(), []);
  const next = new KillableRuntime({ ...hostRuntime(), files });
  assert(next.runtime.files.tryLock("/data/.lock") !== null);
  assertEquals(next.runtime.files.open("/data/a", "read").size(), 3);
  next.kill();
});

test("kill() makes synchronous operations throw ProcessEnded", () => {
  const { process } = killable();
  const { files } = process.runtime;
  const file = files.open("/data/a", "create");
  process.kill();
  assert(process.isKilled);
  for (
    const operation of [
      () => file.writeAt(new Uint8Array(1), 0),
      () => file.readAt(new Uint8Array(1), 0),
      () => file.size(),
      () => file.truncate(0),
      () => files.open("/data/b", "create"),
      () => files.list("/data"),
      () => files.remove("/data/a"),
    ]
  ) assertThrows(operation, ProcessEnded);
  file.close();
  process.kill();
  const wrapped = new Error("Cannot append", { cause: new ProcessEnded("killed") });
  assertEquals([isProcessEnded(wrapped), isProcessEnded(new Error("other"))], [true, false]);
});

test("kill() lets no timer fire and no promise settle, pending or new", async () => {
  const { process } = killable();
  const { clock, files, network } = process.runtime;
  let fired = 0;
  const file = files.open("/data/a", "create");
  const listener = await network.listen(LOCAL);
  const [client] = await Promise.all([network.connect(listener.address), listener.accept()]);
  clock.setTimer(0, () => fired++);
  const pending = [
    clock.yieldToLoop(),
    file.sync(),
    listener.accept(),
    client.readInto!(new Uint8Array(1)),
    network.listen(LOCAL),
    network.connect(listener.address),
  ];
  process.kill();
  clock.setTimer(0, () => fired++);
  pending.push(
    clock.yieldToLoop(),
    file.sync(),
    files.syncDirectory("/data"),
    client.writeAll!(new Uint8Array(1)),
    network.listen(LOCAL),
  );
  assertEquals(await settles(Promise.race(pending)), false);
  assertEquals([fired, process.held()], [0, []]);
});

test("kill() breaks connections, which the peers notice, and closes listeners", async () => {
  const { process } = killable();
  const { network } = hostRuntime();
  const listener = await process.runtime.network.listen(LOCAL);
  const [peer] = await Promise.all([network.connect(listener.address), listener.accept()]);
  const read = peer.readInto!(new Uint8Array(1)).catch(() => null);
  process.kill();
  assertEquals(await read, null);
  peer.close();
  await assertRejects(() => network.connect(listener.address));
});
