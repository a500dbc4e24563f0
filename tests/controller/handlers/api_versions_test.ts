import { assertEquals } from "@std/assert";
import { apiVersionsHandler } from "../../../src/controller/handlers/api_versions.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { CLUSTER_ID } from "./fixture.ts";

function ask(version: number, kraftVersion: number) {
  return askHandler(apiVersionsHandler, apiVersions, version, {
    clientSoftwareName: "raw",
    clientSoftwareVersion: "1.0",
  }, {
    services: {
      nodeId: 1,
      clusterId: CLUSTER_ID,
      image: () => ({ features: new Map([["metadata.version", 31], ["made.up", 2]]), offset: 41 }),
      raft: { status: { kraftVersion } },
    },
  });
}

test("ApiVersions returns kraft.version as finalized only above level 0", async () => {
  const metadataVersion = { name: "metadata.version", maxVersionLevel: 31, minVersionLevel: 31 };
  const kraftVersion = { name: "kraft.version", maxVersionLevel: 1, minVersionLevel: 1 };
  for (const version of [3, 4, 5]) {
    assertEquals((await ask(version, 0)).finalizedFeatures, [metadataVersion]);
    const answer = await ask(version, 1);
    assertEquals(answer.finalizedFeatures, [metadataVersion, kraftVersion]);
    assertEquals(answer.finalizedFeaturesEpoch, 41);
  }
  assertEquals((await ask(2, 1)).finalizedFeatures, []);
});

test("ApiVersions returns the supported levels of kraft.version from version 4 on", async () => {
  const supported = async (version: number) =>
    (await ask(version, 0)).supportedFeatures.map(({ name, minVersion, maxVersion }) =>
      `${name} ${minVersion}-${maxVersion}`
    );
  assertEquals(await supported(3), ["metadata.version 30-33"]);
  assertEquals(await supported(4), ["metadata.version 30-33", "kraft.version 0-1"]);
});
