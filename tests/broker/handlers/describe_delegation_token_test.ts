import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeDelegationToken } from "../../../src/protocol/messages/describe_delegation_token.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("DescribeDelegationToken returns no token to a client that is not authenticated", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(describeDelegationToken)) {
      for (const owners of [null, [{ principalType: "User", principalName: "ann" }]]) {
        const answer = await client.request(describeDelegationToken, version, { owners });
        assertEquals([errorName(answer.errorCode), answer.tokens], [
          "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
          [],
        ]);
      }
    }
  }));
