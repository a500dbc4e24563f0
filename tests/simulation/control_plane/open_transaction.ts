/**
 * A metadata transaction that a controller has begun, as Apache Kafka's do, and whose end it did not live to
 * write.
 *
 * @module
 */
import { encodeBatchInSteps } from "../../../src/metadata/record_batches.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import type { World } from "../world.ts";
import type { ControlPlane } from "./control_plane_machines.ts";

const TOPIC_ID = "c2ltdWxhdGVkLXRvcGljLQ";
const LIMIT_MS = 10_000;
const RECORDS: readonly MetadataRecordInput[] = [
  { name: "BeginTransactionRecord", value: { name: "never ends" } },
  { name: "TopicRecord", value: { name: "never-created", topicId: TOPIC_ID } },
];

/** Leaves the transaction in the log of a cluster of which only the controllers run. */
export async function leaveTransactionOpen(world: World, cluster: ControlPlane): Promise<void> {
  const { log } = cluster.invariants;
  const isQuiet = () =>
    cluster.active !== null && [...log.state.controllers()].length === cluster.controllers.length;
  await world.waitFor("all controllers are registered", LIMIT_MS, isQuiet);
  const { active } = cluster;
  if (active === null) return;
  const { replica } = active.opened!.quorum;
  const { epoch, logEndOffset } = replica.status;
  const options = { epoch, timestamp: 0, baseOffset: logEndOffset };
  replica.propose(atOnce(encodeBatchInSteps(RECORDS, options)), RECORDS.length);
  await world.waitFor("it is committed", LIMIT_MS, () => log.endOffset > logEndOffset);
  world.count("transactions left open");
  await active.replace(0);
}
