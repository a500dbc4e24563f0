import { assertEquals } from "@std/assert";
import {
  changeRegistration,
  requireBroker,
} from "../../../src/controller/brokers/registration_change.ts";
import { test } from "../../harness.ts";
import { imageOf, refusal, registered } from "../fixture.ts";

const level = (featureLevel: number) => ({
  name: "FeatureLevelRecord" as const,
  value: { name: "metadata.version", featureLevel },
});

test("changeRegistration() contains only changed fields, in the version of the cluster", () => {
  const image = imageOf(registered(1), level(33));
  const broker = image.broker(1)!;
  const change = changeRegistration(broker, image, { fenced: false });
  assertEquals(change, {
    name: "BrokerRegistrationChangeRecord",
    version: 3,
    value: { brokerId: 1, brokerEpoch: 10, fenced: -1, inControlledShutdown: 0, logDirs: [] },
  });
  assertEquals(changeRegistration(broker, imageOf(level(31)), { fenced: true }).version, 2);
  assertEquals(changeRegistration(broker, imageOf(level(32)), { fenced: true }).version, 3);
  const after = imageOf(
    registered(1),
    changeRegistration(broker, image, { inControlledShutdown: true }),
  ).broker(1)!;
  assertEquals(after, { ...broker, inControlledShutdown: true });
});

test("requireBroker() accepts only the epoch of the registration", () => {
  const image = imageOf(registered(1));
  const outcome = (brokerId: number, brokerEpoch: number) =>
    refusal(() => requireBroker("x", { brokerId, brokerEpoch }, image));
  assertEquals(outcome(1, 10), "NONE");
  assertEquals(
    outcome(1, 9),
    "STALE_BROKER_EPOCH: Cannot x: broker 1 has epoch 10, the request 9",
  );
  assertEquals(outcome(1, 11).split(":")[0], "STALE_BROKER_EPOCH");
  assertEquals(outcome(2, 10), "BROKER_ID_NOT_REGISTERED: Cannot x: broker 2 is not registered");
});
