import { assertEquals } from "@std/assert";
import { updateFeaturesHandler } from "../../../src/controller/handlers/update_features.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { updateFeatures } from "../../../src/protocol/messages/update_features.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { test } from "../../harness.ts";
import { settled } from "../fake_quorum.ts";
import { registered } from "../fixture.ts";
import { asking, assertNotController, registeredController, withActive } from "./fixture.ts";

const OLDER: MetadataRecordInput = {
  name: "FeatureLevelRecord",
  value: { name: "metadata.version", featureLevel: 30 },
};
const RECORDS = [OLDER, registered(1), registeredController(2)];

function update(feature: string, maxVersionLevel: number, change = {}) {
  return { feature, maxVersionLevel, ...change };
}

test("UpdateFeatures raises a level, with a result for each feature in versions 0 and 1", async () => {
  for (const version of versionsOf(updateFeatures)) {
    await withActive(RECORDS, async (quorum) => {
      const ask = asking(quorum, updateFeaturesHandler, updateFeatures);
      const featureUpdates = [update("metadata.version", 33), update("group.version", 0)];
      const results = featureUpdates.map(({ feature }) => ({
        feature,
        errorCode: 0,
        errorMessage: null,
      }));
      assertEquals(await ask(version, { featureUpdates }), {
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        results: version <= 1 ? results : [],
      });
      assertEquals(quorum.loader.image.features.get("metadata.version"), 33);
    });
  }
});

test("UpdateFeatures with validateOnly changes nothing, from version 1 on", async () => {
  for (const version of [1, 2]) {
    await withActive(RECORDS, async (quorum) => {
      const ask = asking(quorum, updateFeaturesHandler, updateFeatures);
      const { errorCode } = await ask(version, {
        featureUpdates: [update("metadata.version", 33)],
        validateOnly: true,
      });
      assertEquals(errorName(errorCode), "NONE");
      assertEquals(quorum.loader.image.features.get("metadata.version"), 30);
    });
  }
});

test("UpdateFeatures lowers a level only with permission, as its version expresses it", async () => {
  const levels = [OLDER, registered(1)].with(0, {
    name: "FeatureLevelRecord",
    value: { name: "metadata.version", featureLevel: 31 },
  });
  const cases = [
    [0, { allowDowngrade: false }, "INVALID_UPDATE_VERSION"],
    [0, { allowDowngrade: true }, "NONE"],
    [1, {}, "INVALID_UPDATE_VERSION"],
    [1, { upgradeType: 2 }, "NONE"],
    [2, { upgradeType: 1 }, "INVALID_UPDATE_VERSION"],
    [2, { upgradeType: 2 }, "NONE"],
  ] as const;
  for (const [version, change, expected] of cases) {
    await withActive(levels, async (quorum) => {
      const ask = asking(quorum, updateFeaturesHandler, updateFeatures);
      const { errorCode } = await ask(version, {
        featureUpdates: [update("metadata.version", 30, change)],
      });
      assertEquals([version, change, errorName(errorCode)], [version, change, expected]);
      const level = quorum.loader.image.features.get("metadata.version");
      assertEquals(level, expected === "NONE" ? 30 : 31);
    });
  }
});

test("UpdateFeatures makes none of the changes if one is invalid, and returns no results then", () =>
  withActive(RECORDS, async (quorum) => {
    const ask = asking(quorum, updateFeaturesHandler, updateFeatures);
    const cases = [
      [update("no.such.feature", 1), "INVALID_UPDATE_VERSION"],
      [update("", 1), "INVALID_UPDATE_VERSION"],
      [update("metadata.version", 33), "INVALID_REQUEST"],
      [update("kraft.version", -1), "INVALID_UPDATE_VERSION"],
      [update("kraft.version", 32_767), "INVALID_UPDATE_VERSION"],
      [update("group.version", 1), "INVALID_UPDATE_VERSION"],
    ] as const;
    for (const version of versionsOf(updateFeatures)) {
      for (const [invalid, expected] of cases) {
        const answer = await ask(version, {
          featureUpdates: [update("metadata.version", 33), invalid],
        });
        assertEquals([invalid, errorName(answer.errorCode)], [invalid, expected]);
        assertEquals(answer.errorMessage!.startsWith("Cannot "), true);
        assertEquals(answer.results, []);
      }
    }
    for (const upgradeType of [-128, 0, 4, 127]) {
      const featureUpdates = [update("metadata.version", 33, { upgradeType })];
      const { errorCode } = await ask(2, { featureUpdates });
      assertEquals(errorName(errorCode), "INVALID_UPDATE_VERSION");
    }
    assertEquals(quorum.loader.image.features.get("metadata.version"), 30);
  }));

test("UpdateFeatures passes a new kraft.version to the quorum", () => {
  const features = [
    { name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 },
    { name: "kraft.version", minSupportedVersion: 0, maxSupportedVersion: 1 },
  ];
  return withActive([registered(1, { features })], async (quorum) => {
    const ask = asking(quorum, updateFeaturesHandler, updateFeatures);
    const answer = ask(2, { featureUpdates: [update("kraft.version", 1)] });
    await settled();
    // The control records of the quorum.
    quorum.commit();
    const { errorCode } = await answer;
    assertEquals([errorName(errorCode), quorum.kraftVersion], ["NONE", 1]);
  });
});

test("UpdateFeatures answers NOT_CONTROLLER if the controller is not active", () =>
  assertNotController(updateFeaturesHandler, updateFeatures, {
    featureUpdates: [update("metadata.version", 33)],
  }));
