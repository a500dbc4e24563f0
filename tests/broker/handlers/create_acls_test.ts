import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { createAcls } from "../../../src/protocol/messages/create_acls.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("CreateAcls answers SECURITY_DISABLED for each entry in every version", () =>
  withBroker(async ({ client }) => {
    const creation = {
      resourceType: 2,
      resourceName: "events",
      principal: "User:ann",
      host: "*",
      operation: 3,
      permissionType: 3,
    };
    for (const version of versionsOf(createAcls)) {
      const { results } = await client.request(createAcls, version, {
        creations: [creation, creation],
      });
      const errorMessage = "No authorizer is configured: this version has no access control";
      const refused = { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage };
      assertEquals(results, [refused, refused]);
      assertEquals((await client.request(createAcls, version, { creations: [] })).results, []);
    }
  }));
