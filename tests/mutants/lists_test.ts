/**
 * The lists of planted bugs against the code of today, without running a test of it.
 */
import { assert, assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { test } from "../harness.ts";
import { MUTANTS } from "./lists/all.ts";
import { folderOf, problemsOf } from "./mutant.ts";

/** Folders of `src/` that have planted bugs of our own beside those first tried by hand. */
const FOLDERS = ["log", "broker", "groups", "client", "protocol"];
/** How many each of these folders has at least. */
const FEWEST = 20;
/** Ids with at least three digits are our own, shorter ones were first tried by hand. */
const OWN_ID = /^[A-Z]\d{3,}$/;

test("every planted bug applies to the code of today and names a test file that exists", () => {
  const read = (path: string) => existsSync(path) ? readFileSync(path, "utf8") : undefined;
  assertEquals(problemsOf(MUTANTS, read), []);
});

test("at least twenty bugs of our own are planted in each of the five large folders", () => {
  for (const folder of FOLDERS) {
    const own = MUTANTS.filter((mutant) => folderOf(mutant) === folder && OWN_ID.test(mutant.id));
    assert(own.length >= FEWEST, `src/${folder} has ${own.length}`);
  }
});
