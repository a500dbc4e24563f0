/**
 * Tests the configuration of the metadata log.
 */
import { assertEquals } from "@std/assert";
import { METADATA_LOG_CONFIG } from "../../src/metadata/metadata_log.ts";
import { test } from "../harness.ts";

test("METADATA_LOG_CONFIG disables retention by time and size", () => {
  const { retentionMs, retentionBytes } = METADATA_LOG_CONFIG;
  assertEquals([retentionMs, retentionBytes], [-1, -1]);
});
