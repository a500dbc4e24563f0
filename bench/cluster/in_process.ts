/**
 * Starts and shuts down a cluster of three controllers and three brokers several times in this process, and
 * prints the milliseconds of each start as a JSON array.
 *
 * @module
 */
import { startCluster } from "../../mod.ts";

const times: number[] = [];
for (let i = 0; i < 4; i++) {
  const began = performance.now();
  const cluster = await startCluster({ brokers: 3, controllers: 3 });
  times.push(Number((performance.now() - began).toFixed(2)));
  await cluster.shutdown();
}
console.log(JSON.stringify(times));
