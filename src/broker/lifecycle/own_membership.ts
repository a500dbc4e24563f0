/**
 * The membership of the only broker, whose controller is in the same process: it needs no session, since both
 * end together.
 *
 * @module
 */
import type { Controller } from "../../controller/controller.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { randomUuid } from "../../protocol/uuid.ts";
import type { RandomSource } from "../../runtime/runtime.ts";
import type { BrokerMembership, BrokerPresentation } from "./membership.ts";

/** The dependencies of {@linkcode OwnMembership}. */
export interface OwnMembershipOptions {
  readonly nodeId: number;
  readonly rack: string | null;
  readonly random: RandomSource;
  readonly controller: Controller;
  readonly image: MetadataImage;
}

/** The membership of the only broker of a cluster. */
export class OwnMembership implements BrokerMembership {
  readonly #options: OwnMembershipOptions;

  constructor(options: OwnMembershipOptions) {
    this.#options = options;
  }

  get brokerEpoch(): number {
    const { image, nodeId } = this.#options;
    return image.broker(nodeId)?.epoch ?? -1;
  }

  register({ endpoints, directoryIds }: BrokerPresentation): Promise<void> {
    const { nodeId, rack, random, controller } = this.#options;
    const incarnationId = randomUuid(random);
    const registration = { nodeId, incarnationId, endpoints, rack, logDirs: directoryIds };
    return controller.run((active) => active.registerOwnBroker(registration));
  }

  /** The registration has brought it into service already. */
  enterService(): Promise<void> {
    return Promise.resolve();
  }

  async reportDirectories(onlineIds: readonly string[]): Promise<void> {
    try {
      await this.#options.controller.run((active) => active.reportOwnDirectories(onlineIds));
    } catch (error) {
      // The controller ends with the directory of the metadata log, and the node with it.
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.NOT_CONTROLLER) throw error;
    }
  }

  /** No other broker waits for this one. */
  reportOffset(): void {}

  /** No other broker could take over. */
  leaveService(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {}
}
