import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { deleteAcls } from "../../../src/protocol/messages/delete_acls.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("DeleteAcls answers SECURITY_DISABLED for each filter in every version", () =>
  withBroker(async ({ client }) => {
    const filter = {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    };
    for (const version of versionsOf(deleteAcls)) {
      const { filterResults } = await client.request(deleteAcls, version, {
        filters: [filter, filter],
      });
      assertEquals(
        filterResults.map(({ errorCode, matchingAcls }) => [errorCode, matchingAcls]),
        [[ErrorCode.SECURITY_DISABLED, []], [ErrorCode.SECURITY_DISABLED, []]],
      );
    }
  }));
