/**
 * CreatePartitions adds partitions to topics: each is given the number it is to have in all. A topic
 * cannot lose partitions. Each topic is decided by itself; new partitions are ready for records when
 * the answer arrives. With `validateOnly` nothing is made and the answer is the same.
 *
 * Serves versions 0 to 3, which ask for the same. From 1 the broker may throttle after the answer
 * rather than before, 2 has the flexible encoding, 3 may be told to come back later.
 *
 * @module
 */
import { createPartitions } from "../../protocol/messages/create_partitions.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../../controller/controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "createPartitions">;
}

/** Adds partitions to topics. */
export const createPartitionsHandler: Handler<Needs> = defineHandler(createPartitions, {
  async handle({ topics, validateOnly }, { services }) {
    const results = await services.controller.createPartitions(topics, { validateOnly });
    return { results: [...results] };
  },
  onError: ({ topics }, errorCode, errorMessage) => ({
    results: topics.map(({ name }) => ({ name, errorCode, errorMessage })),
  }),
});
