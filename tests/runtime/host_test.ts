/**
 * The contract against the runtime of whichever host runs this file. Started by itself with
 * MILLRACE_LOCK_PATH set, the file is the second process of the lock's tests; with
 * MILLRACE_FEW_FILES_DIRECTORY, the process that runs out of descriptors.
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
  // Holds it until killed; leaves by itself when its parent has gone.
  process.stdin.on("end", () => process.exit(0));
  process.stdin.resume();
} else {
  const { testHost } = await import("./host_suite.ts");
  testHost(import.meta.url);
}
