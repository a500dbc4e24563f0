/**
 * A node of a cluster as a process: `node_process.ts FILE` starts the node of a server.properties and stops it
 * on SIGINT.
 *
 * @module
 */
import { readPropertiesFile } from "../../cli/properties_file.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { lineLogger } from "../../src/logger.ts";
import { Node } from "../../src/node/node.ts";
import { hostRuntime } from "../../src/runtime/host.ts";

const { values } = readPropertiesFile(Deno.args[0]!);
const node = await Node.start({
  runtime: hostRuntime(),
  config: values,
  logger: lineLogger({ level: "info", now: Date.now, write: (line) => console.log(line) }),
  parts: ALL_PARTS,
});
const interrupted = new Promise<void>((resolve) => Deno.addSignalListener("SIGINT", resolve));
console.log("ready");
const failure = await Promise.race([interrupted, node.failed]);
if (failure !== undefined) {
  console.log(failure.message);
  Deno.exit(1);
}
await node.shutdown();
Deno.exit(0);
