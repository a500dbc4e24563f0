import { Consumer, Producer, startCluster } from "@millrace/millrace";

const cluster = await startCluster();
const { bootstrapServers } = cluster; // any Kafka client connects here
const producer = new Producer({ bootstrapServers });
for (const value of ["one", "two", "three"]) await producer.send({ topic: "numbers", value });
const consumer = new Consumer({ bootstrapServers, topics: "numbers" });
for await (const { offset, valueText } of consumer) {
  console.log(offset, valueText);
  if (valueText === "three") break;
}
for (const client of [producer, consumer]) await client.close();
await cluster.shutdown();
