import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeTransactions } from "../../../src/protocol/messages/describe_transactions.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

test("DescribeTransactions finds no transactional id", () =>
  withBroker(async ({ client }) => {
    const { transactionStates } = await client.request(describeTransactions, 0, {
      transactionalIds: ["payments", "", "payments"],
    });
    assertEquals(
      transactionStates.map(({ transactionalId, errorCode }) => [
        transactionalId,
        errorName(errorCode),
      ]),
      [
        ["payments", "TRANSACTIONAL_ID_NOT_FOUND"],
        ["", "INVALID_REQUEST"],
        ["payments", "TRANSACTIONAL_ID_NOT_FOUND"],
      ],
    );
  }));
