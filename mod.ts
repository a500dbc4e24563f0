/**
 * Millrace: a distributed, durable publish-subscribe log that speaks Apache Kafka's protocol, with
 * brokers, producers and consumers in one package without dependencies.
 *
 * ```ts
 * import { startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events", partitions: 2 }] });
 * cluster.bootstrapServers; // "127.0.0.1:…": any Kafka client connects here
 * ```
 *
 * Import only the part you need: `@millrace/millrace/cluster`, `@millrace/millrace/client`, or
 * `@millrace/millrace/inspect`, which is not included in this module.
 *
 * @module
 */
export * from "./src/cluster/mod.ts";
export * from "./src/client/mod.ts";
