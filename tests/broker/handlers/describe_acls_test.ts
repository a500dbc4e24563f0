import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { describeAcls } from "../../../src/protocol/messages/describe_acls.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

const ANY = 1;

test("DescribeAcls answers SECURITY_DISABLED in every version", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(describeAcls)) {
      const { errorCode, errorMessage, resources } = await client.request(describeAcls, version, {
        resourceTypeFilter: ANY,
        resourceNameFilter: null,
        principalFilter: null,
        hostFilter: null,
        operation: ANY,
        permissionType: ANY,
      });
      assertEquals([errorCode, resources], [ErrorCode.SECURITY_DISABLED, []]);
      assertEquals(errorMessage, "No authorizer is configured: this version has no access control");
    }
  }));
