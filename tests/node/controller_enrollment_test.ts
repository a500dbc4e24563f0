import { assert, assertEquals } from "@std/assert";
import { ControllerEnrollment } from "../../src/node/controller_enrollment.ts";
import { test } from "../harness.ts";
import { FakeQuorum, settled } from "../controller/fake_quorum.ts";
import { uuidOf } from "../controller/fixture.ts";

/** Registrations after which a test ends a quarrel that would never end. */
const TOO_MANY = 50;

/** Returns a process of controller 3 at `port`. */
function enrollment(quorum: FakeQuorum, port: number): ControllerEnrollment {
  type Channel = ConstructorParameters<typeof ControllerEnrollment>[0]["channel"];
  return new ControllerEnrollment({
    clock: quorum.clock,
    nodeId: 3,
    incarnationId: uuidOf(port),
    endpoints: [{ name: "CONTROLLER", host: "h", port, securityProtocol: 0 }],
    channel: {
      request: async (_api: unknown, request: never) => {
        assert(registrations(quorum) < TOO_MANY, "the processes register without end");
        await quorum.controller.run((active) => active.registerController(request));
        return { errorCode: 0, errorMessage: null };
      },
      committedOffset: () => Promise.resolve(quorum.endOffset - 1),
    } as unknown as Channel,
    loader: quorum.loader,
    logger: { log: (level, text) => void quorum.messages.push(`${level}: ${text}`) },
  });
}

const registrations = (quorum: FakeQuorum) =>
  quorum.names().filter((name) => name === "RegisterControllerRecord").length;

test("a controller registers, and again when its registration is removed", async () => {
  const quorum = new FakeQuorum();
  quorum.lead();
  const one = enrollment(quorum, 1);
  one.start();
  await settled();
  assertEquals(registrations(quorum), 1);
  await quorum.controller.run((active) => active.unregisterController(3));
  await settled();
  assertEquals([registrations(quorum), quorum.clock.pending], [2, 0]);
  one.stop();
  await quorum.close();
});

test("two processes of one controller do not fill the log, and say so", async () => {
  const quorum = new FakeQuorum();
  quorum.lead();
  const processes = [enrollment(quorum, 1), enrollment(quorum, 2)];
  for (const process of processes) {
    process.start();
    await settled();
  }
  assertEquals(registrations(quorum), 2);
  assertEquals(quorum.messages, [
    "warn: Another process has registered as controller 3, at h:2, while this one listens at h:1; stop one " +
    "of the two, or give it another node.id and empty data directories",
  ]);
  for (let seconds = 0; seconds < 600; seconds++) {
    quorum.clock.advance(1_000);
    await settled();
  }
  assert(registrations(quorum) < TOO_MANY / 2);
  for (const process of processes) process.stop();
  assertEquals(quorum.clock.pending, 0);
  await quorum.close();
});
