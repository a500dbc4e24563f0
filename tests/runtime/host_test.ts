/**
 * The contract with the runtime of the current host. Started with MILLRACE_LOCK_PATH, this file is the
 * second process of the lock tests; with MILLRACE_FEW_FILES_DIRECTORY, the process that runs out of
 * descriptors.
 *
 * @module
 */

import { hostRuntime } from "../../src/runtime/host.ts";
import process from "node:process";

const lockPath = process.env.MILLRACE_LOCK_PATH;
const fewFilesDirectory = process.env.MILLRACE_FEW_FILES_DIRECTORY;
if (fewFilesDirectory) {
  const { tryFewFiles } = await import("./few_files.ts");
  process.stdout.write(JSON.stringify(await tryFewFiles(fewFilesDirectory)));
} else if (lockPath) {
  const lock = hostRuntime().files.tryLock(lockPath);
  process.stdout.write(lock ? "locked\n" : "refused\n");
  // Holds the lock until killed; exits if its parent has ended.
  process.stdin.on("end", () => process.exit(0));
  process.stdin.resume();
} else {
  const { testHost } = await import("./host_suite.ts");
  testHost(import.meta.url);
}
