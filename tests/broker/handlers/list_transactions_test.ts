import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { listTransactions } from "../../../src/protocol/messages/list_transactions.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

test("ListTransactions returns none in every version, and the unknown states of its filter", () =>
  withBroker(async ({ client }) => {
    for (const version of versionsOf(listTransactions)) {
      const answer = await client.request(listTransactions, version, {
        stateFilters: ["Ongoing", "nope", "nope", "ongoing", "Dead", "PrepareEpochFence"],
        producerIdFilters: [5],
        durationFilter: 5,
      });
      assertEquals(errorName(answer.errorCode), "NONE");
      assertEquals(answer.unknownStateFilters, ["nope", "ongoing"]);
      assertEquals(answer.transactionStates, []);
    }
  }));

test("ListTransactions checks the pattern of the transactional id", () =>
  withBroker(async ({ client }) => {
    const list = async (transactionalIdPattern: string | null) => {
      const { errorCode, unknownStateFilters } = await client.request(listTransactions, 2, {
        stateFilters: ["nope"],
        producerIdFilters: [],
        transactionalIdPattern,
      });
      return [errorName(errorCode), unknownStateFilters];
    };
    assertEquals(await list(null), ["NONE", ["nope"]]);
    assertEquals(await list(""), ["NONE", ["nope"]]);
    assertEquals(await list("payments-.*"), ["NONE", ["nope"]]);
    assertEquals(await list("("), ["INVALID_REGULAR_EXPRESSION", []]);
    assertEquals(await list("(?=a)"), ["INVALID_REGULAR_EXPRESSION", []]);
  }));
