/** `quorum-state` on disks that fail, tear and forget. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { QuorumStateFile } from "../../../src/raft/storage/quorum_state_file.ts";
import type { StoredQuorumState } from "../../../src/raft/storage/quorum_state_format.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import type { FileSystem, Runtime } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { FailingFiles, refusalOf } from "../../log/fixture.ts";
import { HeldSyncs } from "../../log/held_syncs.ts";
import { seedCount, test } from "../../harness.ts";

const DIRECTORY = "/data/__cluster_metadata-0";
const PATH = `${DIRECTORY}/quorum-state`;
const VOTER = { id: 2, directoryId: "MdwpXVE7Rs2v2Cviip_Vnw" };

function voteIn(leaderEpoch: number): StoredQuorumState {
  return { version: 1, leaderEpoch, leaderId: null, votedKey: VOTER };
}

function memory(): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeDirectory(DIRECTORY);
  return files;
}

function writeText(files: FileSystem, text: string): void {
  const file = files.open(PATH, "create");
  file.truncate(0);
  file.writeAt(new TextEncoder().encode(text), 0);
  file.close();
}

test("load() resolves with null at the first start and with the last write afterwards", async () => {
  const files = memory();
  const file = new QuorumStateFile(files, DIRECTORY);
  assertEquals(await file.load(), null);
  await file.write(voteIn(1));
  await file.write(voteIn(2));
  assertEquals(await new QuorumStateFile(files, DIRECTORY).load(), voteIn(2));
  assertEquals(files.list(DIRECTORY).map(({ name }) => name), ["quorum-state"]);
  assertEquals(files.openFiles, 0);
});

test("write() calls are executed in order, and those that have not begun become one", async () => {
  const files = new HeldSyncs(memory());
  files.heldAt = /quorum-state\.tmp$/;
  const file = new QuorumStateFile(files, DIRECTORY);
  const done: number[] = [];
  const write = (epoch: number) => file.write(voteIn(epoch)).then(() => done.push(epoch));
  const writes = [write(1), write(2)];
  await files.untilPending(1);
  writes.push(write(3), write(4));
  assertEquals(done, []);
  files.release();
  await files.untilPending(1);
  assertEquals(done, [1, 2]);
  assertEquals(await new QuorumStateFile(files, DIRECTORY).load(), voteIn(2));
  files.release();
  await Promise.all(writes);
  assertEquals(done, [1, 2, 3, 4]);
  assertEquals(files.begun, 2);
  assertEquals(await new QuorumStateFile(files, DIRECTORY).load(), voteIn(4));
});

test("write() rejects when the disk fails, and a later one succeeds", async () => {
  const files = new FailingFiles(memory());
  const file = new QuorumStateFile(files, DIRECTORY);
  await file.write(voteIn(1));
  files.failsAt = "quorum-state";
  for (const operation of ["open", "write", "truncate", "sync"] as const) {
    files.failing.add(operation);
    const { name, message } = await refusalOf(file.write(voteIn(2)));
    assertEquals(name, "KAFKA_STORAGE_ERROR");
    assertStringIncludes(message, `Cannot write ${PATH}: `);
    files.failing.clear();
    assertEquals(await file.load(), voteIn(1));
  }
  await file.write(voteIn(3));
  assertEquals(await file.load(), voteIn(3));
});

test("load() refuses a damaged file with one sentence that names it and says what to do", async () => {
  const files = memory();
  for (const text of ["", '{"leaderId":1,"leaderEp', "\0\0\0", "noise"]) {
    writeText(files, text);
    const { name, message } = await refusalOf(new QuorumStateFile(files, DIRECTORY).load());
    assertEquals(name, "KAFKA_STORAGE_ERROR");
    assertStringIncludes(
      message,
      `Cannot read ${PATH}, the epoch and the vote of this controller: it is `,
    );
    assertStringIncludes(message, `or remove ${DIRECTORY} and format it with a new directory id`);
  }
  writeText(files, '{"leaderId":1,"data_version":2}');
  const { message } = await refusalOf(new QuorumStateFile(files, DIRECTORY).load());
  assertStringIncludes(message, "start the node with the release that wrote it");
  files.remove(PATH);
  files.makeDirectory(PATH);
  await assertRejects(() => new QuorumStateFile(files, DIRECTORY).load(), KafkaError, PATH);
});

const SEEDS = seedCount(60, 600);

test(`a vote that write() has confirmed survives every power failure, over ${SEEDS} seeds`, async () => {
  let lost = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    simulation.disk("alpha").hasNoise = seed % 2 === 0;
    let runtime: Runtime = simulation.runtime("alpha");
    runtime.files.makeDirectory(DIRECTORY);
    await simulation.run(runtime.files.syncDirectory("/"));
    let confirmed = 0;
    let written = 0;
    for (let life = 0; life < 4; life++) {
      runtime.files.makeDirectory(DIRECTORY);
      const file = new QuorumStateFile(runtime.files, DIRECTORY);
      const found = await simulation.run(file.load());
      const epoch = found?.leaderEpoch ?? 0;
      const what = `seed ${seed}, life ${life}`;
      assert(epoch >= confirmed, `${what}: epoch ${epoch} after ${confirmed} was confirmed`);
      assert(epoch <= written, what);
      if (epoch < written) lost++;
      if (found !== null) assertEquals(found, voteIn(epoch), what);
      // What was found may be sent again.
      confirmed = epoch;
      for (let i = 0; i < 3; i++) {
        const next = ++written;
        file.write(voteIn(next)).then(() => confirmed = next, () => {});
        await simulation.run(simulation.nowMs + simulation.random.below(3));
      }
      if (simulation.random.below(3) === 0) simulation.kill("alpha");
      else simulation.crash("alpha", "random");
      runtime = simulation.restart("alpha");
    }
  }
  assert(lost > SEEDS / 4, `only ${lost} writes were lost`);
});

test("load() makes durable what a killed process has replaced without a sync", async () => {
  const simulation = new Simulation(1);
  let { files } = simulation.runtime("alpha");
  files.makeDirectory(DIRECTORY);
  await simulation.run(files.syncDirectory("/"));
  await simulation.run(new QuorumStateFile(files, DIRECTORY).write(voteIn(1)));
  new QuorumStateFile(files, DIRECTORY).write(voteIn(2)).catch(() => {});
  const text = () => {
    const file = files.open(PATH, "read");
    const bytes = new Uint8Array(file.size());
    file.readAt(bytes, 0);
    file.close();
    return new TextDecoder().decode(bytes);
  };
  while (!text().includes('"leaderEpoch":2')) await simulation.run(simulation.nowMs + 0.01);
  simulation.kill("alpha");
  files = simulation.restart("alpha").files;
  assertEquals(await simulation.run(new QuorumStateFile(files, DIRECTORY).load()), voteIn(2));
  simulation.crash("alpha", "lose");
  files = simulation.restart("alpha").files;
  assertEquals(await simulation.run(new QuorumStateFile(files, DIRECTORY).load()), voteIn(2));
});
