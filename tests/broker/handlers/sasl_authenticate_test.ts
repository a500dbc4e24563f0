import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { saslAuthenticate } from "../../../src/protocol/messages/sasl_authenticate.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("SaslAuthenticate answers ILLEGAL_SASL_STATE with a message in every version", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(saslAuthenticate)) {
      const { errorCode, errorMessage } = await client.request(saslAuthenticate, version, {
        authBytes: new Uint8Array(3),
      });
      assertEquals([errorName(errorCode), errorMessage], [
        "ILLEGAL_SASL_STATE",
        "Cannot authenticate: this listener has no SASL, set security.protocol to PLAINTEXT",
      ]);
    }
  }));
