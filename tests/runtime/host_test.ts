/**
 * The contract against the runtime of whichever host runs this file. Started by itself with
 * MILLRACE_LOCK_PATH set, the file is the second process of the lock's tests.
 *
 * @module
 */

import { hostRuntime } from "../../src/runtime/host.ts";
import process from "node:process";

const lockPath = process.env.MILLRACE_LOCK_PATH;
if (lockPath) {
  const lock = (await hostRuntime()).files.tryLock(lockPath);
  process.stdout.write(lock ? "locked\n" : "refused\n");
  // Holds it until killed; leaves by itself when its parent has gone.
  process.stdin.on("end", () => process.exit(0));
  process.stdin.resume();
} else {
  const { testHost } = await import("./host_suite.ts");
  testHost(import.meta.url);
}
