/**
 * Converts the host's errors for files and sockets to the errors of {@linkcode Runtime}, with a message
 * that names the path or address and says what to do.
 *
 * @module
 */

import { hostAndPort } from "./ip_address.ts";
import { type Address, AddressInUseError, ConnectionError, FileError } from "./runtime.ts";

interface Explanation {
  readonly reason: FileError["reason"];
  readonly text: string;
}

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ENOENT: { reason: "not-found", text: "it does not exist" },
  EACCES: {
    reason: "permission",
    text: "permission denied, check its owner and mode",
  },
  EPERM: { reason: "permission", text: "the system does not permit it" },
  EROFS: { reason: "permission", text: "the file system is mounted read-only" },
  EEXIST: { reason: "exists", text: "it exists already" },
  ENOTDIR: {
    reason: "not-a-directory",
    text: "part of the path is a file, not a directory",
  },
  ENOSPC: { reason: "no-space", text: "the disk is full, free some space" },
  EDQUOT: { reason: "no-space", text: "the disk quota is used up, free some space" },
  EISDIR: { reason: "refused", text: "it is a directory" },
  ENOTEMPTY: { reason: "exists", text: "a directory with content is in the way" },
  EMFILE: {
    reason: "too-many-open",
    text: "this process has too many open files, raise its limit (ulimit -n)",
  },
  ENFILE: {
    reason: "too-many-open",
    text: "the system has too many open files, raise its limit (sysctl fs.file-max on Linux)",
  },
  EIO: { reason: "io", text: "the disk reports an error, check it" },
  EBADF: { reason: "refused", text: "it has been closed, or was opened for reading only" },
  EINVAL: { reason: "refused", text: "the system does not allow it" },
  EBUSY: { reason: "refused", text: "it is open, close it first" },
};

/** Returns the host's error code (`ENOENT`, …), or an empty string. */
export function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** Returns the {@linkcode FileError} for a failed `action` (`open`, `write 16 bytes at 0 to`, …) on `path`. */
export function fileError(action: string, path: string, cause: unknown): FileError {
  if (cause instanceof FileError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Error && cause.name === "NotCapable") {
    return new FileError(
      `Cannot ${action} "${path}": Deno has no permission, run it with --allow-read and --allow-write`,
      "permission",
      { cause },
    );
  }
  const known = EXPLANATIONS[codeOf(cause)];
  return new FileError(
    `Cannot ${action} "${path}": ${known?.text ?? message}`,
    known?.reason ?? "io",
    { cause },
  );
}

/** Like {@linkcode fileError}, for our own file systems, which know the code (`ENOENT`, …). */
export function fileErrorOfCode(action: string, path: string, code: string): FileError {
  return fileError(action, path, Object.assign(new Error(code), { code }));
}

/** Returns what to do if `cause` is a lack of descriptors for a socket, or null if it is not. */
function shortageText(cause: unknown): string | null {
  const known = EXPLANATIONS[codeOf(cause)];
  return known?.reason === "too-many-open" ? known.text : null;
}

/**
 * Returns the error for a connection that could not be accepted for lack of a descriptor, or null if
 * `cause` is something else.
 */
export function acceptShortage({ host, port }: Address, cause: unknown): ConnectionError | null {
  const text = shortageText(cause);
  if (text === null) return null;
  return new ConnectionError(
    `Cannot accept a connection on ${hostAndPort(host, port)}: ${text}`,
    { cause, reason: "too-many-open" },
  );
}

/** Returns the error for a failed attempt to listen. */
export function listenError(
  host: string,
  port: number,
  cause: unknown,
): AddressInUseError | ConnectionError {
  const target = hostAndPort(host, port);
  const message = cause instanceof Error ? cause.message : String(cause);
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return new AddressInUseError(
        `Cannot listen on ${target}: the port is taken, stop what uses it or choose another`,
        { cause },
      );
    case "EACCES":
      return new ConnectionError(
        `Cannot listen on ${target}: permission denied, choose a port above 1023`,
        { cause },
      );
    case "EADDRNOTAVAIL":
      return new ConnectionError(
        `Cannot listen on ${target}: this machine does not have that address, name one that it has`,
        { cause },
      );
    default:
      return new ConnectionError(
        `Cannot listen on ${target}: ${shortageText(cause) ?? routeText(cause) ?? message}`,
        { cause, ...reasonOf(cause) },
      );
  }
}

/** Returns the error for a failed attempt to connect. */
export function connectError(host: string, port: number, cause: unknown): ConnectionError {
  const target = hostAndPort(host, port);
  const message = cause instanceof Error ? cause.message : String(cause);
  if (codeOf(cause) === "ECONNREFUSED") return connectionRefused(target, cause);
  const text = shortageText(cause) ?? routeText(cause) ?? message;
  return new ConnectionError(`Cannot connect to ${target}: ${text}`, {
    cause,
    ...reasonOf(cause),
  });
}

/** Returns the error for an attempt to connect to `target`, where nothing listens. */
export function connectionRefused(target: string, cause?: unknown): ConnectionError {
  return new ConnectionError(
    `Cannot connect to ${target}: nothing listens there, check the address and that the broker runs`,
    { cause, reason: "refused" },
  );
}

/** Returns what to do about a name that cannot be resolved or an address without a route, or null. */
function routeText(cause: unknown): string | null {
  switch (codeOf(cause)) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the name cannot be resolved, check it";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no route to that address, check it and the network";
    default:
      // Deno gives no code.
      return cause instanceof Error && cause.message.startsWith("failed to lookup address")
        ? "the name cannot be resolved, check it"
        : null;
  }
}

function reasonOf(cause: unknown): { readonly reason?: "too-many-open" } {
  return shortageText(cause) === null ? {} : { reason: "too-many-open" };
}
