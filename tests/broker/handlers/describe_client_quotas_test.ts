import { assertEquals } from "@std/assert";
import { describeClientQuotasHandler } from "../../../src/broker/handlers/describe_client_quotas.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeClientQuotas } from "../../../src/protocol/messages/describe_client_quotas.ts";
import { imageOf } from "../../controller/fixture.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

type Component = readonly [entityType: string, matchType: number, match: string | null];

function requestOf(components: readonly Component[], strict = false) {
  return {
    components: components.map(([entityType, matchType, match]) => ({
      entityType,
      matchType,
      match,
    })),
    strict,
  };
}

function quota(...entity: (readonly [string, string | null])[]): MetadataRecordInput {
  return {
    name: "ClientQuotaRecord",
    value: {
      entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
      key: "producer_byte_rate",
      value: 1024,
      remove: false,
    },
  };
}

test("DescribeClientQuotas returns nothing in every version if no quota is set", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(describeClientQuotas)) {
      const answer = await client.request(describeClientQuotas, version, requestOf([]));
      assertEquals([errorName(answer.errorCode), answer.entries], ["NONE", []]);
    }
  }));

test("DescribeClientQuotas returns the quotas that match", async () => {
  const image = imageOf(
    quota(["user", "ann"]),
    quota(["user", null]),
    quota(["user", "ann"], ["client-id", "app"]),
    quota(["ip", "10.0.0.1"]),
  );
  const find = async (components: readonly Component[], strict = false) => {
    const { entries } = await askHandler(
      describeClientQuotasHandler,
      describeClientQuotas,
      1,
      requestOf(components, strict),
      { services: { image: () => image } },
    );
    return entries!.map(({ entity, values }) => {
      assertEquals(values, [{ key: "producer_byte_rate", value: 1024 }]);
      return entity.map(({ entityType, entityName }) => `${entityType} ${entityName}`).join(", ");
    });
  };
  const [ann, anyone, app, address] = [
    "user ann",
    "user null",
    "client-id app, user ann",
    "ip 10.0.0.1",
  ];
  assertEquals(await find([]), [ann, anyone, app, address]);
  assertEquals(await find([], true), []);
  assertEquals(await find([["user", ANY, null]]), [ann, anyone, app]);
  assertEquals(await find([["user", ANY, null]], true), [ann, anyone]);
  assertEquals(await find([["user", EXACT, "ann"]]), [ann, app]);
  assertEquals(await find([["user", EXACT, "bob"]]), []);
  assertEquals(await find([["user", DEFAULT, null]]), [anyone]);
  assertEquals(await find([["user", ANY, null], ["client-id", EXACT, "app"]]), [app]);
  assertEquals(await find([["ip", EXACT, "10.0.0.1"]], true), [address]);
});

test("DescribeClientQuotas rejects the filters that Apache Kafka rejects", () =>
  withBroker(async ({ client }) => {
    const cases: (readonly [string, ...Component[]])[] = [
      ["INVALID_REQUEST", ["", ANY, null]],
      ["UNSUPPORTED_VERSION", ["team", ANY, null]],
      ["INVALID_REQUEST", ["user", 9, null]],
      ["INVALID_REQUEST", ["user", EXACT, null]],
      ["INVALID_REQUEST", ["user", DEFAULT, "ann"]],
      ["INVALID_REQUEST", ["user", ANY, "ann"]],
      ["INVALID_REQUEST", ["user", ANY, null], ["user", ANY, null]],
      ["INVALID_REQUEST", ["user", ANY, null], ["ip", ANY, null]],
      ["NONE", ["ip", EXACT, "no address"]],
    ];
    for (const [expected, ...components] of cases) {
      const { errorCode, entries } = await client.request(
        describeClientQuotas,
        1,
        requestOf(components),
      );
      assertEquals(errorName(errorCode), expected, JSON.stringify(components));
      assertEquals(entries, expected === "NONE" ? [] : null);
    }
  }));
