/**
 * Millrace: a distributed, durable publish-subscribe log that speaks Apache Kafka's protocol, with
 * its brokers, its producers and its consumers, in one package without dependencies.
 *
 * ```ts
 * import { startCluster } from "@millrace/millrace";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events", partitions: 2 }] });
 * cluster.bootstrapServers; // "127.0.0.1:…": any Kafka client connects here
 * ```
 *
 * Deno loads what is imported, so who needs a part only imports that: `@millrace/millrace/cluster`,
 * `@millrace/millrace/client`, and `@millrace/millrace/inspect`, which is not part of this one.
 *
 * @module
 */
export * from "./src/cluster/mod.ts";
export * from "./src/client/mod.ts";
