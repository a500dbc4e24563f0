import { assertEquals } from "@std/assert";
import {
  decideUpdateFeatures,
  initialFeatureLevels,
  type UpdateFeaturesContext,
  type UpdateFeaturesRequest,
  UpgradeType,
} from "../../src/controller/features.ts";
import type { FeatureRange } from "../../src/metadata/image.ts";
import { test } from "../harness.ts";
import { imageOf, refusal, registered } from "./fixture.ts";

const { UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE } = UpgradeType;

type Update = UpdateFeaturesRequest["featureUpdates"][number];

const FEATURES = [
  { name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 },
  { name: "kraft.version", minSupportedVersion: 0, maxSupportedVersion: 1 },
];

/** Decides in a cluster whose `metadata.version` is `level`. */
function decide(level: number, updates: Update[], context: Partial<UpdateFeaturesContext> = {}) {
  const image = imageOf(
    { name: "FeatureLevelRecord", value: { name: "metadata.version", featureLevel: level } },
    registered(1, { features: FEATURES }),
    registered(2, { features: FEATURES, fenced: true }),
  );
  return decideUpdateFeatures({ featureUpdates: updates }, {
    image,
    controllers: [],
    kraftVersion: 0,
    ...context,
  });
}

/** Returns the reason for which an update is refused, or "NONE". */
function reasonFor(level: number, update: Update, context: Partial<UpdateFeaturesContext> = {}) {
  return refusal(() => decide(level, [update], context))
    .replace(/^INVALID_UPDATE_VERSION: Cannot set feature ".*" to level -?\d+: /, "");
}

const toVersion = (maxVersionLevel: number, upgradeType?: number): Update => ({
  feature: "metadata.version",
  maxVersionLevel,
  ...(upgradeType === undefined ? {} : { upgradeType }),
});

test("decideUpdateFeatures() upgrades by one record, and does nothing for the same level", () => {
  assertEquals(decide(30, [toVersion(33)]), {
    records: [{
      name: "FeatureLevelRecord",
      value: { name: "metadata.version", featureLevel: 33 },
    }],
    kraftVersion: null,
  });
  for (const type of [UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE]) {
    assertEquals(decide(33, [toVersion(33, type)]), { records: [], kraftVersion: null });
  }
});

test("decideUpdateFeatures() lowers metadata.version only past levels without new records", () => {
  assertEquals(reasonFor(31, toVersion(30, SAFE_DOWNGRADE)), "NONE");
  assertEquals(decide(31, [toVersion(30, SAFE_DOWNGRADE)]).records.length, 1);
  assertEquals(reasonFor(31, toVersion(30)), "it is 31; request a downgrade");
  for (const type of [SAFE_DOWNGRADE, UNSAFE_DOWNGRADE]) {
    assertEquals(
      reasonFor(33, toVersion(32, type)),
      "the log may have records of level 33 since it is 33",
    );
    assertEquals(
      reasonFor(32, toVersion(31, type)),
      "the log may have records of level 32 since it is 32",
    );
  }
});

test("decideUpdateFeatures() raises no level in a downgrade and knows three types", () => {
  assertEquals(
    reasonFor(30, toVersion(33, SAFE_DOWNGRADE)),
    "it is 30, and a downgrade cannot raise it",
  );
  assertEquals(reasonFor(30, toVersion(33, 0)), "the upgrade type 0 is unknown");
  assertEquals(reasonFor(30, toVersion(33, 4)), "the upgrade type 4 is unknown");
});

test("decideUpdateFeatures() accepts allowDowngrade of version 0 as a safe downgrade", () => {
  const update = { feature: "metadata.version", maxVersionLevel: 30, allowDowngrade: true };
  assertEquals(reasonFor(31, update), "NONE");
  assertEquals(
    reasonFor(31, { ...update, allowDowngrade: false }),
    "it is 31; request a downgrade",
  );
});

test("decideUpdateFeatures() refuses levels that this version does not support", () => {
  assertEquals(reasonFor(33, toVersion(34)), "this version supports levels 30 to 33");
  assertEquals(
    reasonFor(33, toVersion(0, SAFE_DOWNGRADE)),
    "this version supports levels 30 to 33",
  );
  assertEquals(
    reasonFor(33, { feature: "share.version", maxVersionLevel: 1 }),
    "this version supports no level of it",
  );
  assertEquals(
    reasonFor(33, { feature: "group.version", maxVersionLevel: -1 }),
    "this version supports no level of it",
  );
  assertEquals(
    reasonFor(33, { feature: "nonsense", maxVersionLevel: 1 }),
    "no such feature exists",
  );
});

test("decideUpdateFeatures() refuses levels that another node does not support", () => {
  const node = (max: number) => ({
    id: 7,
    features: new Map<string, FeatureRange>([["metadata.version", { min: 30, max }]]),
  });
  assertEquals(
    reasonFor(30, toVersion(33), { controllers: [node(33), { ...node(32), id: 8 }] }),
    "controller 8 supports levels 30 to 32",
  );
  assertEquals(
    reasonFor(30, toVersion(33), {
      image: imageOf(registered(1), registered(4, { features: [] })),
    }),
    "broker 4 supports no level of it",
  );
  const fenced = registered(5, {
    fenced: true,
    features: [{ name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 30 }],
  });
  assertEquals(
    reasonFor(30, toVersion(33), { image: imageOf(fenced) }),
    "broker 5 supports only level 30",
  );
});

test("decideUpdateFeatures() passes kraft.version to the quorum, upwards only", () => {
  const update = { feature: "kraft.version", maxVersionLevel: 1 };
  assertEquals(decide(33, [update]), { records: [], kraftVersion: 1 });
  assertEquals(decide(33, [update], { kraftVersion: 1 }), { records: [], kraftVersion: null });
  assertEquals(
    reasonFor(33, { ...update, maxVersionLevel: 0, upgradeType: UNSAFE_DOWNGRADE }, {
      kraftVersion: 1,
    }),
    "it is 1 and cannot be lowered",
  );
});

test("decideUpdateFeatures() turns a feature of Apache Kafka off, if allowed", () => {
  const level = {
    name: "FeatureLevelRecord" as const,
    value: { name: "group.version", featureLevel: 1 },
  };
  const off = { feature: "group.version", maxVersionLevel: 0 };
  const image = imageOf(level);
  assertEquals(reasonFor(33, off, { image }), "it is 1; request a downgrade");
  const allowed = { ...off, upgradeType: SAFE_DOWNGRADE };
  assertEquals(decide(33, [allowed], { image }).records, [{
    ...level,
    value: { name: "group.version", featureLevel: 0 },
  }]);
});

test("decideUpdateFeatures() changes all features or none", () => {
  const kraft = { feature: "kraft.version", maxVersionLevel: 1 };
  assertEquals(decide(30, [toVersion(32), kraft]).kraftVersion, 1);
  assertEquals(
    refusal(() => decide(30, [toVersion(32), { ...kraft, maxVersionLevel: 9 }])).split(":")[0],
    "INVALID_UPDATE_VERSION",
  );
  assertEquals(
    refusal(() => decide(30, [toVersion(32), toVersion(33)])),
    'INVALID_REQUEST: Cannot update feature "metadata.version": the request names it more than once',
  );
});

test("initialFeatureLevels() begins with metadata.version alone", () => {
  assertEquals(initialFeatureLevels(), [{
    name: "FeatureLevelRecord",
    value: { name: "metadata.version", featureLevel: 33 },
  }]);
});
