import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { renewDelegationToken } from "../../../src/protocol/messages/renew_delegation_token.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("RenewDelegationToken is not allowed for a client that is not authenticated", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(renewDelegationToken)) {
      const answer = await client.request(renewDelegationToken, version, {
        hmac: new Uint8Array(32),
        renewPeriodMs: 1_000,
      });
      assertEquals([errorName(answer.errorCode), answer.expiryTimestampMs], [
        "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
        -1,
      ]);
    }
  }));
