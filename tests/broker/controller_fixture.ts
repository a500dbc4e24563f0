/**
 * Controllers for tests of what a broker sends to them: their location, which the test moves, and real
 * servers on free ports.
 *
 * @module
 */
import { apiVersionsHandler } from "../../src/broker/handlers/api_versions.ts";
import {
  type ActiveControllerLocation,
  ControllerChannel,
  type ControllerChannelOptions,
  type OwnController,
} from "../../src/broker/controller_channel.ts";
import { RemoteController } from "../../src/broker/remote_controller.ts";
import { envelopeHandler } from "../../src/controller/handlers/envelope.ts";
import {
  envelopeController,
  localController,
} from "../../src/controller/requests/local_controller.ts";
import { defineHandler, type Handler } from "../../src/network/server/handler.ts";
import type { Api } from "../../src/protocol/api.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Address } from "../../src/runtime/runtime.ts";
import { withServer } from "../network/server/server_fixture.ts";

/** The id of the broker that sends. */
export const BROKER_ID = 1;
/** The id of a controller at another node. */
export const CONTROLLER_ID = 7;

/** A location that the test changes. */
export class MovedController implements ActiveControllerLocation {
  #current: ReturnType<ActiveControllerLocation["current"]>;
  #waiting: (() => void)[] = [];

  constructor(current: ReturnType<ActiveControllerLocation["current"]>) {
    this.#current = current;
  }

  current(): ReturnType<ActiveControllerLocation["current"]> {
    return this.#current;
  }

  changed(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** Makes another controller the active one. */
  moveTo(current: ReturnType<ActiveControllerLocation["current"]>): void {
    this.#current = current;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The controller of the broker's own process. */
export const OWN = { id: BROKER_ID, address: null };

/** A controller at `address`. */
export function at(address: Address): { readonly id: number; readonly address: Address } {
  return { id: CONTROLLER_ID, address };
}

/** A handler of `api` whose answers are those of `answer`. */
export function answering<Q, QI, R, RI>(
  api: Api<Q, QI, R, RI>,
  answer: (request: Q) => RI | Promise<RI>,
  onError: (code: number) => RI = () => {
    throw new Error(`${api.name} has no answer to an error in this test`);
  },
): Handler<unknown> {
  return defineHandler(api, {
    handle: answer,
    onError: (_request, code) => onError(code),
  });
}

/** The controller of the broker's own process, with these handlers. */
export function ownController(
  handlers: readonly Handler<unknown>[],
  committedOffset = () => -1,
): OwnController {
  return { ...localController({ handlers, services: null }), committedOffset };
}

/** Calls `use` with the address of a node that serves `handlers`, and inside of envelopes too. */
export function withController(
  handlers: readonly Handler<unknown>[],
  use: (address: Address) => Promise<void>,
): Promise<void> {
  return withServer({
    handlers: [apiVersionsHandler, envelopeHandler, ...handlers],
    services: {
      nodeId: CONTROLLER_ID,
      clusterId: "cluster",
      image: () => ({ features: new Map(), offset: 0 }),
      raft: { status: { kraftVersion: 0 } },
      localController: envelopeController({ handlers, services: null }),
      clock: hostRuntime().clock,
    },
  }, ({ server }) => use(server.addresses.get("PLAINTEXT")!));
}

/** Calls `use` with a channel and closes it afterwards. */
export async function withChannel(
  options: Partial<ControllerChannelOptions> & Pick<ControllerChannelOptions, "location">,
  use: (channel: ControllerChannel) => Promise<void>,
): Promise<void> {
  const { runtime = hostRuntime(), nodeId = BROKER_ID, requestTimeoutMs = 30_000 } = options;
  const channel = new ControllerChannel({
    runtime,
    nodeId,
    own: null,
    remote: new RemoteController({ runtime, nodeId, requestTimeoutMs }),
    requestTimeoutMs,
    retryBackoffMs: 1,
    ...options,
  });
  try {
    await use(channel);
  } finally {
    channel.close();
  }
}
