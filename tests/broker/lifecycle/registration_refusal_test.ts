import { assertEquals } from "@std/assert";
import { registrationRefusal } from "../../../src/broker/lifecycle/registration_refusal.ts";
import { unsupportedLevels } from "../../../src/metadata/features.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";

const BROKER = {
  nodeId: 7,
  clusterId: "cluster",
  endpoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
};
const FAILURE = "Cannot register broker 7 with the active controller";

test("a refusal names the feature levels that this version does not support", () => {
  const refusalIn = (features: ReadonlyMap<string, number>) =>
    registrationRefusal(
      { ...BROKER, unsupportedFeatures: () => unsupportedLevels(features) },
      ErrorCode.UNSUPPORTED_VERSION,
      "it says so",
    );
  // The levels that kafka-storage chooses, and one that is too old.
  const levels = [["metadata.version", 33], ["group.version", 1], [
    "transaction.version",
    2,
  ]] as const;
  assertEquals(
    refusalIn(new Map(levels)),
    `${FAILURE}: the cluster has group.version=1, transaction.version=2, which this version does not support; ` +
      "lower them with kafka-features downgrade, or format the first controllers with --feature and other levels",
  );
  assertEquals([...unsupportedLevels(new Map([["metadata.version", 29]])).keys()], [
    "metadata.version",
  ]);
  assertEquals(
    refusalIn(new Map([["metadata.version", 33]])),
    `${FAILURE}: this version does not support a feature level of the cluster, or the controllers do not ` +
      "support this version (it says so); run the same version on all nodes",
  );
});
