import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { createDelegationToken } from "../../../src/protocol/messages/create_delegation_token.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("CreateDelegationToken creates no token for a client that is not authenticated", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(createDelegationToken)) {
      const create = async (ownerPrincipalName: string | null) => {
        const answer = await client.request(createDelegationToken, version, {
          ownerPrincipalType: ownerPrincipalName === null ? null : "User",
          ownerPrincipalName,
          renewers: [],
          maxLifetimeMs: -1,
        });
        assertEquals(errorName(answer.errorCode), "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED");
        assertEquals([answer.tokenId, answer.hmac, answer.expiryTimestampMs], [
          "",
          new Uint8Array(0),
          -1,
        ]);
        return [answer.principalName, answer.tokenRequesterPrincipalName];
      };
      const requester = version >= 3 ? "ANONYMOUS" : "";
      assertEquals(await create(null), ["ANONYMOUS", requester]);
      assertEquals(await create("ann"), [version >= 3 ? "ann" : "ANONYMOUS", requester]);
    }
  }));
