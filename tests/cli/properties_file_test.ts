import { assertEquals, assertThrows } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { CommandError } from "../../cli/fail.ts";
import { host } from "../../cli/host.ts";
import { main } from "../../cli/main.ts";
import { parseProperties, readPropertiesFile } from "../../cli/properties_file.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { withoutUnknownKeys } from "../../src/config/broker_checks.ts";
import { requireServed } from "../../src/node/not_yet_served.ts";
import { test } from "../harness.ts";

const valuesOf = (text: string) => parseProperties(text, "f").values;

test("parseProperties() reads keys and values separated by =, : or blanks", () => {
  assertEquals(valuesOf("a=1\nb: 2\rc 3\r\n d\t=\f4\ne\nf=\ng = x = y : z "), {
    a: "1",
    b: "2",
    c: "3",
    d: "4",
    e: "",
    f: "",
    g: "x = y : z ",
  });
});

test("parseProperties() skips blank lines and comments", () => {
  assertEquals(valuesOf("\n#a=1\n  ! b=2\n \t\f\nc=#3\n# d \\\ne=5\n"), { c: "#3", e: "5" });
  assertEquals(valuesOf("\uFEFFa=1"), { a: "1" });
});

test("parseProperties() joins a line that ends with a backslash to the next", () => {
  assertEquals(valuesOf("a=1,\\\n   2,\\\r\n\t# 3\nb=4\\\\\nc=5\\"), {
    a: "1,2,# 3",
    b: "4\\",
    c: "5",
  });
  assertEquals(valuesOf("a=1\\\n\nb=2\n\\\n# c\n\\\nd=4"), { a: "1", b: "2", d: "4" });
});

test("parseProperties() replaces escapes", () => {
  assertEquals(valuesOf("a\\ b\\=c\\:d=\\u00e4\\t\\n\\q\\\\u0041\\#"), {
    "a b=c:d": "\u00e4\t\nq\\u0041#",
  });
  for (const text of ["a=\\u12", "a=\\uxyzw", "\\u=1"]) {
    assertThrows(() => valuesOf(`\n${text}`), CommandError, "line 2 has an incomplete \\u escape");
  }
});

test("parseProperties() uses the last value of a key and reports the others", () => {
  const { values, notices } = parseProperties("a=1\nb=2\na=3\nb=2\n", "s.properties");
  assertEquals(values, { a: "3", b: "2" });
  assertEquals(notices, ['"s.properties" sets "a" in line 1 and in line 3: the last one is used']);
});

test("parseProperties() rejects values of configuration providers", () => {
  const error = assertThrows(
    () => parseProperties("a=1\nlog.dirs=${file:/etc/kafka.secret:dirs}/x", "s.properties"),
    CommandError,
  );
  assertEquals(
    error.message,
    'Cannot use the settings in "s.properties": line 2 takes the value of "log.dirs" from ' +
      "${file:/etc/kafka.secret:dirs}, and this version has no configuration providers; write the value " +
      "itself",
  );
  assertEquals(valuesOf("a=$x {y}"), { a: "$x {y}" });
});

test("readPropertiesFile() says why a file cannot be read", () => {
  assertThrows(
    () => readPropertiesFile("no/such/file"),
    CommandError,
    'Cannot read the settings in "no/such/file": there is no such file, check the path',
  );
});

test("withoutUnknownKeys() leaves out keys that neither this version nor Kafka has", () => {
  const { settings, notices } = withoutUnknownKeys({
    "num.partitions": "3",
    "num.io.threads": "8",
    "ssl.keystore.location": "x",
    "log.retentoin.ms": "5",
    "my.own.key": "1",
  });
  assertEquals(settings, {
    "num.partitions": "3",
    "num.io.threads": "8",
    "ssl.keystore.location": "x",
  });
  assertEquals(notices, [
    '"log.retentoin.ms" has no effect: there is no such broker key, did you mean "log.retention.ms"?',
    '"my.own.key" has no effect: there is no such broker key',
  ]);
});

/** The keys of the files that Apache Kafka 4 ships in its folder config. */
const COMMON = `
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
#log.flush.interval.messages=10000
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\\
    SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
controller.quorum.bootstrap.servers=localhost:9093
`;
const SERVER = `${COMMON}
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
log.dirs=/tmp/kraft-combined-logs
`;
const BROKER = `${COMMON}
process.roles=broker
node.id=2
listeners=PLAINTEXT://localhost:9092
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092
log.dirs=/tmp/kraft-broker-logs
`;
const CONTROLLER = `${COMMON}
process.roles=controller
node.id=1
listeners=CONTROLLER://:9093
advertised.listeners=CONTROLLER://localhost:9093
log.dirs=/tmp/kraft-controller-logs
`;

test("the files that Apache Kafka ships are accepted", () => {
  const read = (text: string) => {
    const { values, notices } = parseProperties(text, "f");
    const known = withoutUnknownKeys(values);
    assertEquals([...notices, ...known.notices], []);
    return new BrokerConfig(known.settings);
  };
  const server = read(SERVER);
  assertEquals([server.isAlone, server.controllerListeners.length], [true, 1]);
  requireServed(server);
  const broker = read(BROKER);
  assertEquals([broker.roles, broker.quorumBootstrapServers], [
    ["broker"],
    [{ host: "localhost", port: 9093 }],
  ]);
  const controller = read(CONTROLLER);
  assertEquals([controller.roles, controller.controllerListenerNames], [
    ["controller"],
    ["CONTROLLER"],
  ]);
  for (const config of [broker, controller]) requireServed(config);
});

/** Runs a command that fails, with a file in a directory of its own. Returns its exit code and stderr. */
async function failing(text: string, ...args: string[]): Promise<string> {
  const directory = mkdtempSync(`${tmpdir()}/millrace-`);
  const path = `${directory}/s.properties`;
  const { writeError } = host;
  let errors = "";
  try {
    writeFileSync(path, text.replaceAll("DIRECTORY", directory));
    host.writeError = (text) => void (errors += text);
    const code = await main(["start", "--config", path, ...args]);
    return `${code} ${errors.replaceAll(directory, "DIR").trim()}`;
  } finally {
    host.writeError = writeError;
    rmSync(directory, { recursive: true });
  }
}

test("start --config fails with one sentence", async () => {
  const cases: [text: string, args: string[], expected: RegExp][] = [
    [
      `${BROKER}\nlog.dirs=DIRECTORY/broker\ninitial.broker.registration.timeout.ms=100`,
      ["--set", "controller.quorum.bootstrap.servers=127.0.0.1:1"],
      /^1 .*Cannot start node 2: none of its controllers 127\.0\.0\.1:1 has named a cluster within 100 ms/,
    ],
    ["ssl.keystore.location=x", ["--memory"], /^1 .*Cannot set "ssl\.keystore\.location": this/],
    ["num.partitions=0", ["--memory"], /^1 .*Cannot set "num\.partitions" to "0": it must be at/],
    ["a=\\u1", ["--memory"], /^1 .*Cannot use the settings in "DIR\/s\.properties": line 1 has an/],
    [SERVER, ["--port", "0"], /^2 .*--port and listeners in DIR\/s\.properties exclude each other/],
    [SERVER, ["--memory"], /^2 .*--memory and log\.dirs in DIR\/s\.properties exclude each other/],
  ];
  for (const [text, args, expected] of cases) {
    const said = await failing(text, ...args);
    assertEquals([expected.test(said), said.split("\n").length], [true, 1], said);
  }
});
