/**
 * What must hold for the committed state after every batch: the rules of leaders, in-sync replicas and
 * epochs.
 *
 * @module
 */
import type {
  MetadataDelta,
  MetadataImage,
  PartitionImage,
  TopicImage,
} from "../../../src/metadata/image.ts";

const ELR_FEATURE = "eligible.leader.replicas.version";

/** Returns the first rule that `state` breaks after the change `delta`, in words, or null. */
export function brokenRule(state: MetadataImage, delta: MetadataDelta): string | null {
  for (const { before, after } of delta.changedTopics) {
    for (const partition of after.partitions) {
      const broken = brokenStep(before.partitions[partition.partition], partition);
      if (broken !== null) return `${after.name}-${partition.partition} ${broken}`;
    }
  }
  const topics = delta.changedBrokers.length > 0
    ? state.topics()
    : [...delta.createdTopics, ...delta.changedTopics.map(({ after }) => after)];
  for (const topic of topics) {
    const broken = brokenTopic(topic, state);
    if (broken !== null) return broken;
  }
  return null;
}

/** A rule of two successive states of a partition. */
function brokenStep(before: PartitionImage | undefined, after: PartitionImage): string | null {
  if (before === undefined || before === after) return null;
  const { leaderEpoch, partitionEpoch, leader } = after;
  if (leaderEpoch < before.leaderEpoch) {
    return `goes back from leader epoch ${before.leaderEpoch} to ${leaderEpoch}`;
  }
  if (leader !== before.leader && leaderEpoch <= before.leaderEpoch) {
    return `has a new leader, ${leader}, without a new epoch`;
  }
  return partitionEpoch > before.partitionEpoch
    ? null
    : `changes and keeps partition epoch ${partitionEpoch}`;
}

function brokenTopic({ name, partitions }: TopicImage, state: MetadataImage): string | null {
  const usesElr = (state.features.get(ELR_FEATURE) ?? 0) > 0;
  for (const partition of partitions) {
    const broken = brokenPartition(partition, state, usesElr);
    if (broken !== null) return `${name}-${partition.partition} ${broken}`;
  }
  return null;
}

function brokenPartition(
  { leader, replicas, isr, eligibleLeaderReplicas: eligible }: PartitionImage,
  state: MetadataImage,
  usesElr: boolean,
): string | null {
  if (leader >= 0) {
    const broker = state.broker(leader);
    if (broker === undefined) return `is led by ${leader}, which is not registered`;
    if (broker.fenced) return `is led by ${leader}, which is fenced`;
    if (!isr.includes(leader)) return `is led by ${leader}, which is not in its ISR ${isr}`;
  }
  const members = [...isr, ...eligible];
  if (new Set(members).size < members.length) return `has ISR ${isr} and ELR ${eligible}`;
  const stranger = members.find((id) => !replicas.includes(id));
  if (stranger !== undefined) return `has ${stranger} in its ISR or ELR, no replica`;
  const fenced = isr.find((id) => state.broker(id)?.fenced ?? true);
  if (usesElr && fenced !== undefined) return `has ${fenced} in its ISR, which is fenced`;
  return null;
}
