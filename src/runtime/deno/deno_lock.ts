/**
 * The lock on Deno: a kernel lock on the file, and on Linux also the claim used by Node and Bun.
 *
 * @module
 */

import { codeOf, fileError } from "../errors.ts";
import { type BindAbstractSocket, linuxClaim, once } from "../linux_claim.ts";
import type { DirectoryLock } from "../runtime.ts";

/** See {@linkcode FileSystem.tryLock}. */
export function denoTryLock(path: string): DirectoryLock | null {
  let file: Deno.FsFile;
  let isNew = true;
  try {
    try {
      file = Deno.openSync(path, { read: true, write: true, createNew: true });
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST") throw cause;
      isNew = false;
      file = Deno.openSync(path, { read: true, write: true });
    }
  } catch (cause) {
    // Windows: Node or Bun has opened it exclusively.
    if (codeOf(cause) === "EBUSY" || /os error 32\b/.test(String(cause))) return null;
    throw fileError("lock", path, cause);
  }
  let claim: DirectoryLock | null = null;
  try {
    if (file.tryLockSync(true)) {
      claim = Deno.build.os === "linux" || Deno.build.os === "android"
        ? linuxClaim({ ...identityOf(path, file), isNew }, Deno.pid, bindAbstractSocket, readProc)
        : { release: () => {} };
    }
  } catch (cause) {
    file.close();
    throw fileError("lock", path, cause);
  }
  if (claim === null) {
    file.close();
    return null;
  }
  const held = claim;
  return once(() => {
    held.release();
    file.unlockSync();
    file.close();
  });
}

/** Exact for inodes above 2^53, which some file systems use: it must equal that of Node and Bun. */
function identityOf(
  path: string,
  file: Deno.FsFile,
): { readonly dev: bigint; readonly ino: bigint } {
  const { dev, ino } = file.statSync();
  if (Number.isSafeInteger(dev) && Number.isSafeInteger(ino)) {
    return { dev: BigInt(dev), ino: BigInt(ino!) };
  }
  // deno-lint-ignore no-process-global -- loaded on first use
  return process.getBuiltinModule("node:fs").statSync(path, { bigint: true });
}

/** Returns an empty text if `/proc` is hidden or not permitted. */
function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

const bindAbstractSocket: BindAbstractSocket = (name) => {
  try {
    const listener = Deno.listen({ transport: "unix", path: name });
    listener.unref();
    return () => listener.close();
  } catch (cause) {
    return codeOf(cause) === "EADDRINUSE" ? null : undefined;
  }
};
