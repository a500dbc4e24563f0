/**
 * CreatePartitions adds partitions to topics. The request has the new total number of partitions,
 * which cannot be lower than before. Each topic succeeds or fails independently. New partitions are
 * ready for records when the answer is sent. With `validateOnly` nothing is created and the answer
 * is the same.
 *
 * Serves versions 0 to 3, with the same fields. From version 1 the broker may throttle after the
 * answer rather than before. Version 2 is flexible. A client of version 3 supports
 * THROTTLING_QUOTA_EXCEEDED.
 *
 * @module
 */
import { createPartitions } from "../../protocol/messages/create_partitions.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "createPartitions">;
}

/** Serves CreatePartitions. */
export const createPartitionsHandler: Handler<Needs> = defineHandler(createPartitions, {
  async handle({ topics, validateOnly }, { services }) {
    const results = await services.controller.createPartitions(topics, { validateOnly });
    return { results: [...results] };
  },
  onError: ({ topics }, errorCode, errorMessage) => ({
    results: topics.map(({ name }) => ({ name, errorCode, errorMessage })),
  }),
});
