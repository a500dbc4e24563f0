/** Usual configurations of a single Apache Kafka node are accepted. */
import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { formatListener } from "../../src/config/listeners.ts";
import { requireServed } from "../../src/node/not_yet_served.ts";
import { test } from "../harness.ts";

/** Keys of every example. */
const SINGLE_NODE = `
process.roles=broker,controller
controller.listener.names=CONTROLLER
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;

interface Example {
  readonly settings: string;
  /** The listeners that are opened, each followed by its advertised address if that differs. */
  readonly opens: readonly string[];
  /** The keys that a notice reports as having no effect. */
  readonly idle: readonly string[];
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  "config/server.properties of Apache Kafka 4": {
    settings: `${SINGLE_NODE}
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000`,
    opens: ["PLAINTEXT://:9092 PLAINTEXT://localhost:9092"],
    idle: [
      "num.network.threads",
      "num.io.threads",
      "socket.send.buffer.bytes",
      "socket.receive.buffer.bytes",
      "num.recovery.threads.per.data.dir",
    ],
  },
  "a container with a listener for the host and one for other containers": {
    settings: `${SINGLE_NODE}
node.id=1
controller.quorum.voters=1@broker:29093
listeners=CONTROLLER://:29093,PLAINTEXT_HOST://:9092,PLAINTEXT://:19092
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT
advertised.listeners=PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092
inter.broker.listener.name=PLAINTEXT
log.dirs=/tmp/kraft-combined-logs`,
    opens: [
      "PLAINTEXT_HOST://:9092 PLAINTEXT_HOST://localhost:9092",
      "PLAINTEXT://:19092 PLAINTEXT://broker:19092",
    ],
    idle: [],
  },
  "a container with listeners on names and on every address": {
    settings: `${SINGLE_NODE}
node.id=1
controller.quorum.voters=1@broker:29093
listeners=PLAINTEXT://broker:29092,CONTROLLER://broker:29093,PLAINTEXT_HOST://0.0.0.0:9092
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT
advertised.listeners=PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092
inter.broker.listener.name=PLAINTEXT
log.dirs=/tmp/kraft-combined-logs`,
    opens: [
      "PLAINTEXT://broker:29092",
      "PLAINTEXT_HOST://0.0.0.0:9092 PLAINTEXT_HOST://localhost:9092",
    ],
    idle: [],
  },
  "a container with node 0 and the roles the other way round": {
    settings: `${SINGLE_NODE.replace("broker,controller", "controller,broker")}
node.id=0
controller.quorum.voters=0@kafka:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT`,
    opens: ["PLAINTEXT://:9092"],
    idle: [],
  },
  "a container for tests": {
    settings: `${SINGLE_NODE}
node.id=1
broker.id=1
controller.quorum.voters=1@localhost:9094
listeners=PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094
listener.security.protocol.map=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:32768,BROKER://8f2c:9093
inter.broker.listener.name=BROKER
offsets.topic.num.partitions=1
log.flush.interval.messages=9223372036854775807`,
    opens: [
      "PLAINTEXT://0.0.0.0:9092 PLAINTEXT://localhost:32768",
      "BROKER://0.0.0.0:9093 BROKER://8f2c:9093",
    ],
    idle: ["offsets.topic.num.partitions"],
  },
};

for (const [what, { settings, opens, idle }] of Object.entries(EXAMPLES)) {
  test(`BrokerConfig accepts ${what}`, () => {
    const lines = settings.split("\n").filter((line) => line !== "");
    const config = new BrokerConfig(Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    ));
    assertEquals(
      config.brokerListeners.map((listener) => {
        const advertised = config.advertisedListener(listener.name);
        const texts = [listener, ...(advertised === null ? [] : [advertised])].map(formatListener);
        return [...new Set(texts)].join(" ");
      }),
      opens,
    );
    const opened = /CONTROLLER:\/\/[^,\n]*/.exec(settings)![0];
    assertEquals(config.controllerListeners.map(formatListener), [opened]);
    assertEquals(config.isAlone, true);
    requireServed(config);
    const others = config.notices;
    const named = others.join().match(/[a-z]+(\.[a-z]+){2,}/g) ?? [];
    assertEquals(named.toSorted(), idle.toSorted());
    assertEquals(others.length, idle.length === 0 ? 0 : 1);
  });
}

test("BrokerConfig accepts each key of these examples by itself", () => {
  for (const { settings } of Object.values(EXAMPLES)) {
    for (const line of settings.split("\n")) {
      const [name, ...value] = line.split("=");
      // These refer to other keys: a listener's name to its listener, a voter to the node's id and its listener for controllers.
      if (
        line === "" || /^(listeners|advertised|inter\.broker|controller\.)/.test(line)
      ) {
        continue;
      }
      new BrokerConfig({ [name!]: value.join("=") });
    }
  }
});
