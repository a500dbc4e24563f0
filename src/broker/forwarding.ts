/**
 * Requests of clients that the active controller decides. A broker forwards them and answers once its own
 * image has the change, so that a client that creates a topic finds it at the same broker. Apache Kafka
 * does not wait, and its clients have to retry.
 *
 * @module
 */
import type { CreatableTopic } from "../controller/topics.ts";
import type { Logger } from "../logger.ts";
import { decoded } from "../network/server/encoded_answer.ts";
import type { Handler } from "../network/server/handler.ts";
import type { AnyApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { createTopics } from "../protocol/messages/create_topics.ts";
import type { Clock } from "../runtime/runtime.ts";
import type { ControllerChannel } from "./controller_channel.ts";
import type { ForwardedContext } from "./forwarded_request.ts";

/** How long a client's Metadata request waits for the creation of topics, ms. */
const FIRST_USE_TIMEOUT_MS = 5_000;
/** Stands for `num.partitions` and `default.replication.factor` of the controller. */
const CLUSTER_DEFAULT = -1;

/** The dependencies of {@linkcode Forwarding}. */
export interface ForwardingOptions {
  readonly channel: Pick<ControllerChannel, "request" | "forward" | "committedOffset">;
  /** Resolves once the broker's image has the record at `offset` and the broker has applied it. */
  readonly waitFor: (offset: number) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long to wait for the broker's image after the answer of the controller, ms. */
  readonly timeoutMs: number;
}

/** What became of a topic to create. */
export interface CreationOutcome {
  readonly name: string;
  readonly errorCode: number;
}

/** Returns an answer that also tells the effects of an earlier attempt of the request. */
export type Correction = (answer: unknown) => unknown;

/** Forwards requests to the active controller. */
export class Forwarding {
  readonly #options: ForwardingOptions;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /**
   * Forwards a client's request; see {@linkcode ControllerChannel.forward}. `correct` corrects the answer to a
   * request that was repeated, once the image has what an earlier attempt may have changed.
   */
  async forward(
    api: AnyApi,
    request: unknown,
    context: ForwardedContext,
    correct: Correction = (answer) => answer,
  ): Promise<unknown> {
    let isRepeated = false;
    const onRepeated = () => isRepeated = true;
    const answer = await this.#options.channel.forward(api, request, context, onRepeated);
    await this.#catchUp(api.name);
    return isRepeated ? correct(decoded(answer)) : answer;
  }

  /**
   * Creates topics that a client asks for in Metadata, independently of each other. While no controller is
   * active they are unknown, as in Apache Kafka: the client also asks for topics that exist, and tries
   * again.
   */
  async createTopics(topics: readonly CreatableTopic[]): Promise<readonly CreationOutcome[]> {
    const { channel } = this.#options;
    const timeoutMs = FIRST_USE_TIMEOUT_MS;
    try {
      const answer = await channel.request(createTopics, {
        topics: topics.map((topic) => ({
          name: topic.name,
          numPartitions: topic.numPartitions ?? CLUSTER_DEFAULT,
          replicationFactor: topic.replicationFactor ?? CLUSTER_DEFAULT,
          assignments: topic.assignments ?? [],
          configs: topic.configs ?? [],
        })),
        timeoutMs,
      }, { timeoutMs, codeOf: ({ topics: [first] }) => first?.errorCode });
      await this.#catchUp(createTopics.name);
      return answer.topics;
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable) throw error;
      this.#options.logger.log("warn", `Cannot create topics on their first use: ${error.message}`);
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return topics.map(({ name }) => ({ name, errorCode }));
    }
  }

  /** Waits for the own image. The change is made: if the image is late, the answer is correct all the same. */
  async #catchUp(name: string): Promise<void> {
    const { channel, waitFor, clock, logger, timeoutMs } = this.#options;
    let timer;
    const late = new Promise<never>((_, reject) => {
      const seconds = (timeoutMs / 1_000).toLocaleString("en-US");
      const error = new Error(`this broker has not applied it within ${seconds} s`);
      timer = clock.setTimer(timeoutMs, () => reject(error));
    });
    try {
      await Promise.race([channel.committedOffset().then(waitFor), late]);
    } catch (error) {
      const { message } = error as Error;
      logger.log("warn", `${name} is answered before its change is in force here: ${message}`);
    } finally {
      timer!.cancel();
    }
  }
}

/** The dependencies of a forwarded request. */
export interface ForwardingNeeds {
  readonly forwarding: Pick<Forwarding, "forward">;
}

/**
 * Returns the broker's handler for a request that `handler` of the controller decides. Requests that
 * follow on the same connection start after the answer, so two changes are made in their order.
 * `correctionOf` is called before the request is sent.
 */
export function forwarded<Needs, More = unknown>(
  { api, onError }: Handler<Needs>,
  correctionOf?: (request: unknown, services: More) => Correction,
): Handler<ForwardingNeeds & More> {
  return {
    api,
    handle(request, context) {
      // The request is encoded again for each attempt, from views that must stay valid.
      context.retain();
      const { services } = context;
      return services.forwarding.forward(api, request, context, correctionOf?.(request, services));
    },
    onError,
  };
}
