import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { saslHandshake } from "../../../src/protocol/messages/sasl_handshake.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("SaslHandshake answers ILLEGAL_SASL_STATE and no mechanism in every version", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(saslHandshake)) {
      const answer = await client.request(saslHandshake, version, { mechanism: "PLAIN" });
      assertEquals([errorName(answer.errorCode), answer.mechanisms], ["ILLEGAL_SASL_STATE", []]);
    }
  }));
