/**
 * Replays every transcript in `tests/transcripts/raft/` and compares the effects. Run with
 * `MILLRACE_RECORD=1` to record them again, then review the difference.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { test } from "../../harness.ts";
import { playTranscript } from "./transcript.ts";

const FOLDER = "tests/transcripts/raft";

test("tests/transcripts/raft/ has transcripts", () => {
  assert(transcripts().length > 0, `${FOLDER} has no transcripts: run from the project's root`);
});

for (const name of transcripts()) {
  test(`transcript ${name} replays with the recorded effects`, () => {
    const path = `${FOLDER}/${name}`;
    const written = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
    const played = playTranscript(written);
    if (process.env.MILLRACE_RECORD === "1") writeFileSync(path, played);
    else assertEquals(played, written);
  });
}

function transcripts(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith(".txt")).sort();
}
