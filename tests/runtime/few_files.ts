/**
 * What a process meets that has opened as many files as it may: run as a process of its own, under a
 * low limit.
 *
 * @module
 */
import { hostRuntime } from "../../src/runtime/host.ts";
import {
  type Connection,
  ConnectionError,
  FileError,
  type FileHandle,
} from "../../src/runtime/runtime.ts";

/** What each operation came to: a reason, or that it went well. */
export interface FewFiles {
  readonly limit: number | undefined;
  /** How many files could be opened. */
  readonly opened: number;
  readonly open: string;
  readonly list: string;
  readonly syncDirectory: string;
  readonly connect: string;
  /** An asynchronous read of a file that was open before. */
  readonly read: string;
  /** A peer that connects from elsewhere is accepted, or closed, once there are descriptors again. */
  readonly accept: string;
}

/** Opens all the files it may in `directory` and tries what else needs one. */
export async function tryFewFiles(directory: string): Promise<FewFiles> {
  const { files, network, openFileLimit } = hostRuntime();
  const limit = openFileLimit?.();
  const listener = await network.listen({ host: "127.0.0.1", port: 0 });
  const { port } = listener.address;
  const path = `${directory}/f`;
  const taken: FileHandle[] = [];
  const open = outcome(() => {
    for (;;) taken.push(files.open(path, "create"));
  });
  taken[0]!.writeAt(new Uint8Array([7, 8]), 0);
  const target = new Uint8Array(2);
  const found = {
    limit,
    opened: taken.length,
    open: await open,
    list: await outcome(() => files.list(directory)),
    syncDirectory: await outcome(() => files.syncDirectory(directory)),
    connect: await outcome(() => network.connect({ host: "127.0.0.1", port })),
    read: await outcome(async () => `${await taken[0]!.read(target, 0)} bytes, ${target}`),
  };
  for (const file of taken) file.close();
  const accepting = listener.accept();
  const peer = await network.connect({ host: "127.0.0.1", port });
  const accept = await outcome(async () => {
    const connection: Connection | null = await accepting;
    connection?.close();
    return connection === null ? "null" : "a connection";
  });
  peer.close();
  listener.close();
  return { ...found, accept };
}

async function outcome(run: () => unknown): Promise<string> {
  try {
    return String(await run());
  } catch (error) {
    if (error instanceof FileError || error instanceof ConnectionError) return error.reason;
    throw error;
  }
}
