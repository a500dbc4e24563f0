import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { expireDelegationToken } from "../../../src/protocol/messages/expire_delegation_token.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("ExpireDelegationToken is not allowed for a client that is not authenticated", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(expireDelegationToken)) {
      const answer = await client.request(expireDelegationToken, version, {
        hmac: new Uint8Array(32),
        expiryTimePeriodMs: 1_000,
      });
      assertEquals([errorName(answer.errorCode), answer.expiryTimestampMs], [
        "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
        -1,
      ]);
    }
  }));
