/**
 * Starts and shuts down a cluster several times in this process, and prints the milliseconds of each start
 * as a JSON array.
 *
 * @module
 */
import { startCluster } from "../../mod.ts";

const times: number[] = [];
for (let i = 0; i < 11; i++) {
  const began = performance.now();
  const cluster = await startCluster({ topics: [{ name: "events", partitions: 2 }] });
  times.push(Number((performance.now() - began).toFixed(2)));
  await cluster.shutdown();
}
console.log(JSON.stringify(times));
