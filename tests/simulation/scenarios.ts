/**
 * Every simulated scenario by its name.
 *
 * @module
 */
import { KAFKA_SCENARIOS } from "../raft/core/simulation/kafka_scenarios.ts";
import { runRaft } from "../raft/core/simulation/scenario.ts";
import { runClients } from "./clients.ts";
import { runControlPlane } from "./control_plane.ts";
import { runDirectories } from "./disk/directories.ts";
import { runDisk } from "./disk/disk.ts";
import type { Scenario } from "./outcome.ts";
import { runPowerLoss } from "./power_loss.ts";
import { runSingleBroker } from "./single_broker.ts";

/** The scenarios of `deno task sim`: all of them, or some by `--scenario`. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  single_broker: runSingleBroker,
  clients: runClients,
  power_loss: runPowerLoss,
  control_plane: runControlPlane,
  disk: runDisk,
  directories: runDirectories,
  raft: runRaft,
  ...KAFKA_SCENARIOS,
};
