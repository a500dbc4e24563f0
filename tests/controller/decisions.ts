/**
 * The decisions about requests with many items, made at once.
 *
 * @module
 */
import {
  decideAlterConfigs as alterConfigs,
  decideIncrementalAlterConfigs as incrementalAlterConfigs,
} from "../../src/controller/configs.ts";
import { decideElectLeaders as electLeaders } from "../../src/controller/elections.ts";
import { decideCreatePartitions as createPartitions } from "../../src/controller/partitions.ts";
import {
  decideCreateTopics as createTopics,
  decideDeleteTopics as deleteTopics,
} from "../../src/controller/topics.ts";
import { atOnce, type Steps } from "../../src/protocol/records/compression/steps.ts";

function withoutPauses<Input extends readonly unknown[], Result>(
  decide: (...input: Input) => Steps<Result>,
): (...input: Input) => Result {
  return (...input) => atOnce(decide(...input));
}

export const decideAlterConfigs = withoutPauses(alterConfigs);
export const decideIncrementalAlterConfigs = withoutPauses(incrementalAlterConfigs);
export const decideElectLeaders = withoutPauses(electLeaders);
export const decideCreatePartitions = withoutPauses(createPartitions);
export const decideCreateTopics = withoutPauses(createTopics);
export const decideDeleteTopics = withoutPauses(deleteTopics);
