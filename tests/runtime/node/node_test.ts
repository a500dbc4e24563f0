/**
 * Which versions of Node.js the runtime accepts.
 *
 * @module
 */
import { assertThrows } from "@std/assert";
import { requireNodeVersion } from "../../../src/runtime/node/node.ts";
import { test } from "../../harness.ts";

test("requireNodeVersion() accepts 22.15.0 and every later version", () => {
  for (const version of ["22.15.0", "22.16.1", "24.0.0", "24.21.0", "30.1.0"]) {
    requireNodeVersion(version);
  }
});

test("requireNodeVersion() rejects older versions and says what to install", () => {
  for (const version of ["18.20.4", "20.20.2", "22.2.0", "22.14.0"]) {
    assertThrows(
      () => requireNodeVersion(version),
      Error,
      `Cannot run on Node.js ${version}: Millrace needs 22.15 or later. Install a newer Node.js`,
    );
  }
});
