/**
 * An active controller behind the handlers of its requests.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Controller } from "../../../src/controller/controller.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import type { Handler } from "../../../src/network/server/handler.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { versionsOf } from "../../broker/handlers/group_requests.ts";
import { askHandler, CONNECTION } from "../../network/server/ask_handler.ts";
import { uuidOf } from "../fixture.ts";
import { batchOf, FakeQuorum, type FakeQuorumOptions, settled } from "../fake_quorum.ts";

/** The cluster of the controllers. */
export const CLUSTER_ID = "cluster";

/** The smallest and the largest id and epoch, and others that no node has. */
export const HOSTILE_IDS: readonly number[] = [-2147483648, -1, 0, 99, 2147483647];

/** A handler that needs the controller only. */
type ControllerHandler = Handler<{ readonly controller: Controller }>;

/** Asks a controller through a handler. */
export type Ask<QI, RO> = (version: number, request: QI) => Promise<RO>;

/** Returns the function that asks the controller of `quorum` through `handler`. */
export function asking<QO, QI, RO, RI>(
  quorum: FakeQuorum,
  handler: ControllerHandler,
  api: Api<QO, QI, RO, RI>,
): Ask<QI, RO> {
  const { controller } = quorum;
  return (version, request) =>
    askHandler(handler, api, version, request, { services: { controller } });
}

/** Runs `use` with an active controller whose log begins with `records`. */
export async function withActive(
  records: readonly MetadataRecordInput[],
  use: (quorum: FakeQuorum) => Promise<void>,
  options: FakeQuorumOptions = {},
): Promise<void> {
  const quorum = new FakeQuorum(options);
  if (records.length > 0) quorum.log.push(batchOf(records));
  try {
    quorum.lead();
    await settled();
    await use(quorum);
  } finally {
    await quorum.close();
  }
}

/** Asserts that a controller that is not active answers NOT_CONTROLLER in every version, and appends nothing. */
export async function assertNotController<QO, QI, RO extends { readonly errorCode: number }, RI>(
  handler: ControllerHandler,
  api: Api<QO, QI, RO, RI>,
  request: QI,
): Promise<void> {
  const quorum = new FakeQuorum();
  quorum.leaderId = 2;
  try {
    for (const version of versionsOf(api)) {
      const { errorCode } = await asking(quorum, handler, api)(version, request);
      assertEquals([version, errorName(errorCode)], [version, "NOT_CONTROLLER"]);
    }
    assertEquals(quorum.log, []);
  } finally {
    await quorum.close();
  }
}

/** Returns the record that registers a controller at the listener of requests by `askHandler`. */
export function registeredController(
  controllerId: number,
  name: string = CONNECTION.listener,
): MetadataRecordInput {
  return {
    name: "RegisterControllerRecord",
    value: {
      controllerId,
      incarnationId: uuidOf(controllerId),
      zkMigrationReady: false,
      endPoints: [
        { name: "OTHER", host: "other.example", port: 1, securityProtocol: 0 },
        { name, host: `c${controllerId}.example`, port: 9093, securityProtocol: 0 },
      ],
      features: [{ name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 }],
    },
  };
}
