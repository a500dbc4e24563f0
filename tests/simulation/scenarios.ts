/**
 * Every simulated scenario by its name.
 *
 * @module
 */
import { runClients } from "./clients.ts";
import { runDirectories } from "./disk/directories.ts";
import { runDisk } from "./disk/disk.ts";
import type { Scenario } from "./outcome.ts";
import { runPowerLoss } from "./power_loss.ts";
import { runSingleBroker } from "./single_broker.ts";

/** What `deno task sim` runs, all of it or one by `--scenario`. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  single_broker: runSingleBroker,
  clients: runClients,
  power_loss: runPowerLoss,
  disk: runDisk,
  directories: runDirectories,
};
