/**
 * The failures in a process that has opened as many files as it may. Runs as its own process, with a low
 * limit.
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

/** The result of each operation: the reason of its failure, or success. */
export interface FewFiles {
  readonly limit: number | undefined;
  /** Number of files that could be opened. */
  readonly opened: number;
  readonly open: string;
  readonly list: string;
  readonly syncDirectory: string;
  readonly connect: string;
  /** An asynchronous read of an open file. */
  readonly read: string;
  /** Whether a connecting peer is accepted, or closed, once descriptors are available again. */
  readonly accept: string;
}

/** Opens as many files as possible in `directory`, and tries every operation that needs a descriptor. */
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
