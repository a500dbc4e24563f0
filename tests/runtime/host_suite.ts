/**
 * Tests of the host's runtime that need a second process.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { hostRuntime } from "../../src/runtime/host.ts";
import { ConnectionError } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { testRuntimeContract } from "./contract.ts";
import type { FewFiles } from "./few_files.ts";

function temporaryDirectory(): string {
  return mkdtempSync(`${tmpdir()}/millrace-`).replaceAll("\\", "/");
}

/** Runs `script` as another process of this runtime that tries to lock `path`. */
async function lockElsewhere(
  script: string,
  path: string,
): Promise<{ child: ChildProcess; answer: string }> {
  const child = spawn(
    process.execPath,
    [...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []), script],
    { env: { ...process.env, MILLRACE_LOCK_PATH: path }, stdio: ["pipe", "pipe", "inherit"] },
  );
  const answer = await new Promise<string>((resolve) => {
    child.stdout!.once("data", (bytes) => resolve(String(bytes).trim()));
    child.once("exit", () => resolve("no answer"));
  });
  return { child, answer };
}

const LOW_LIMIT = 80;

/** Runs `script` as another process of this runtime with a low limit on open files. */
async function runWithFewFiles(script: string, directory: string): Promise<FewFiles> {
  const args = [...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []), script];
  const child = spawn(
    "bash",
    ["-c", `ulimit -n ${LOW_LIMIT} && exec "$@"`, "bash", process.execPath, ...args],
    {
      env: { ...process.env, MILLRACE_FEW_FILES_DIRECTORY: directory },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let text = "";
  child.stdout.on("data", (bytes) => text += String(bytes));
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(text);
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** Registers the tests. `selfUrl` is the module that can also be started as the second process. */
export function testHost(selfUrl: string): void {
  const script = fileURLToPath(selfUrl);

  testRuntimeContract("host runtime's", () => {
    const directory = temporaryDirectory();
    return {
      runtime: hostRuntime(),
      host: "127.0.0.1",
      directory,
      run: (done) => done,
      dispose: () => rmSync(directory, { recursive: true, force: true }),
    };
  });

  test("host runtime's network can send to a peer that has ended its side", async () => {
    const { network } = hostRuntime();
    for (const way of ["fast path", "streams"]) {
      const listener = await network.listen({ host: "127.0.0.1", port: 0 });
      const socket = connect({ port: listener.address.port, allowHalfOpen: true });
      const received: Uint8Array[] = [];
      socket.on("data", (bytes) => received.push(bytes));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.end("question");
      const connection = await listener.accept();
      assert(connection !== null);
      let length = 0;
      if (way === "streams") {
        for await (const chunk of connection.readable) length += chunk.length;
        const writer = connection.writable.getWriter();
        await writer.write(new TextEncoder().encode("answer"));
        await writer.close();
      } else {
        const buffer = new Uint8Array(100);
        for (let count; (count = await connection.readInto!(buffer)) !== null;) length += count;
        await connection.writeAll!(new TextEncoder().encode("answer"));
        connection.close();
      }
      assertEquals(length, 8);
      await closed;
      assertEquals(received.map((bytes) => new TextDecoder().decode(bytes)).join(""), "answer");
      listener.close();
    }
  });

  test("host runtime tells a refused connection from one that fails otherwise", async () => {
    const { network } = hostRuntime();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 });
    const { port } = listener.address;
    listener.close();
    const reasonOf = async (host: string) => {
      const error = await network.connect({ host, port }).then(
        (connection) => connection.close(),
        (cause: unknown) => cause,
      );
      assert(error instanceof ConnectionError, `Connecting to ${host} gave ${error}`);
      return error.reason;
    };
    assertEquals(await reasonOf("127.0.0.1"), "refused");
    assertEquals(await reasonOf("localhost"), "refused");
    assertEquals(await reasonOf("no-such-host.invalid"), "broken");
  });

  test("host runtime tells that the name to listen on cannot be resolved", async () => {
    const { network } = hostRuntime();
    const listening = network.listen({ host: "no-such-host.invalid", port: 0 });
    const error = await assertRejects(() => listening, ConnectionError);
    assertEquals(
      error.message,
      "Cannot listen on no-such-host.invalid:0: the name cannot be resolved, check it",
    );
  });

  test("host runtime reports its limit on open files and a lack of descriptors", async () => {
    // Not every runtime can read it on other systems.
    if (process.platform !== "linux") return;
    const directory = temporaryDirectory();
    try {
      const found = await runWithFewFiles(script, directory);
      assert(found.opened > 10 && found.opened < LOW_LIMIT, `${found.opened} files`);
      assertEquals({ ...found, opened: 0 }, {
        limit: LOW_LIMIT,
        opened: 0,
        open: "too-many-open",
        list: "too-many-open",
        syncDirectory: "too-many-open",
        // Bun reports a refused connection instead.
        connect: "Bun" in globalThis ? "refused" : "too-many-open",
        read: "2 bytes, 7,8",
        accept: "a connection",
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("host runtime's lock excludes another process and is released by kill -9", async () => {
    const directory = temporaryDirectory();
    try {
      const { files } = hostRuntime();
      const path = `${directory}/.lock`;
      const lock = files.tryLock(path);
      assert(lock !== null);
      const refused = await lockElsewhere(script, path);
      await kill(refused.child);
      assertEquals(refused.answer, "refused");

      lock.release();
      const holder = await lockElsewhere(script, path);
      assertEquals(holder.answer, "locked");
      assertEquals(files.tryLock(path), null);
      await kill(holder.child);
      const again = files.tryLock(path);
      assert(again !== null);
      again.release();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
