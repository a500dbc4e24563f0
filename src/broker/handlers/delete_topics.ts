/**
 * DeleteTopics removes topics with all their records. Each is decided by itself.
 *
 * Serves versions 1 to 6. 5 tells in words what went wrong; from 6, a topic may be named by its id
 * in place of its name, and every version before names it by its name alone.
 *
 * @module
 */
import { deleteTopics, type DeleteTopicsRequest } from "../../protocol/messages/delete_topics.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../../controller/controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "deleteTopics">;
}

/** Deletes topics. */
export const deleteTopicsHandler: Handler<Needs> = defineHandler(deleteTopics, {
  async handle(request, { apiVersion, services }) {
    return { responses: [...await services.controller.deleteTopics(asked(request, apiVersion))] };
  },
  onError: (request, errorCode, errorMessage, { apiVersion }) => ({
    responses: asked(request, apiVersion).map((topic) => ({ ...topic, errorCode, errorMessage })),
  }),
});

function asked(request: DeleteTopicsRequest, apiVersion: number): DeleteTopicsRequest["topics"] {
  if (apiVersion >= 6) return request.topics;
  return request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}
