import { assertEquals } from "@std/assert";
import { describeUserScramCredentialsHandler } from "../../../src/broker/handlers/describe_user_scram_credentials.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeUserScramCredentials } from "../../../src/protocol/messages/describe_user_scram_credentials.ts";
import { imageOf } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { withBroker } from "../fixture.ts";

const none = new Uint8Array(0);

function credential(name: string, mechanism: number, iterations: number): MetadataRecordInput {
  return {
    name: "UserScramCredentialRecord",
    value: { name, mechanism, salt: none, storedKey: none, serverKey: none, iterations },
  };
}

test("DescribeUserScramCredentials answers RESOURCE_NOT_FOUND for users without credentials", () =>
  withBroker(async ({ client }) => {
    const describe = async (users: string[] | null) => {
      const { errorCode, results } = await client.request(describeUserScramCredentials, 0, {
        users: users?.map((name) => ({ name })) ?? null,
      });
      assertEquals(errorName(errorCode), "NONE");
      return results.map(({ user, errorCode }) => `${user}: ${errorName(errorCode)}`);
    };
    assertEquals(await describe(null), []);
    assertEquals(await describe([]), []);
    assertEquals(await describe(["ann", "bob", "ann"]), [
      "ann: DUPLICATE_RESOURCE",
      "bob: RESOURCE_NOT_FOUND",
    ]);
  }));

test("DescribeUserScramCredentials returns mechanisms and iterations", async () => {
  const image = imageOf(
    credential("ann", 1, 4096),
    credential("ann", 2, 8192),
    credential("bob", 1, 5000),
  );
  const describe = async (users: string[] | null) => {
    const { results } = await askHandler(
      describeUserScramCredentialsHandler,
      describeUserScramCredentials,
      0,
      { users: users?.map((name) => ({ name })) ?? null },
      { services: { image: () => image } },
    );
    return results.map(({ user, errorCode, credentialInfos }) => [
      user,
      errorName(errorCode),
      ...credentialInfos.map(({ mechanism, iterations }) => [mechanism, iterations]),
    ]);
  };
  const ann = ["ann", "NONE", [1, 4096], [2, 8192]];
  assertEquals(await describe(null), [ann, ["bob", "NONE", [1, 5000]]]);
  assertEquals(await describe([]), await describe(null));
  assertEquals(await describe(["ann", "eve"]), [ann, ["eve", "RESOURCE_NOT_FOUND"]]);
});
