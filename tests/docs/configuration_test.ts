import { assert } from "@std/assert";
import { readFileSync } from "node:fs";
import { CONFIGURATION_PAGE, configurationPage } from "../../tools/docs/configuration.ts";
import { test } from "../harness.ts";

test("docs/configuration.md is what deno task docs writes", () => {
  const page = readFileSync(CONFIGURATION_PAGE, "utf8");
  assert(page === configurationPage(), "docs/configuration.md is out of date: run deno task docs");
});
