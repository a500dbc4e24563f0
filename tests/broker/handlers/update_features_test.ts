import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { updateFeatures } from "../../../src/protocol/messages/update_features.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("UpdateFeatures is answered by the active controller through a broker, in every version", () =>
  withBroker(async ({ client, broker }) => {
    for (const version of versionsOf(updateFeatures)) {
      const update = async (feature: string, maxVersionLevel: number) => {
        const { errorCode, results } = await client.request(updateFeatures, version, {
          featureUpdates: [{ feature, maxVersionLevel }],
        });
        return [errorName(errorCode), ...results.map(({ feature }) => feature)];
      };
      const result = version <= 1 ? ["metadata.version"] : [];
      assertEquals(await update("metadata.version", 33), ["NONE", ...result]);
      assertEquals(await update("metadata.version", 34), ["INVALID_UPDATE_VERSION"]);
      assertEquals(await update("no.such.feature", 1), ["INVALID_UPDATE_VERSION"]);
    }
    assertEquals(broker.image.features.get("metadata.version"), 33);
  }));
