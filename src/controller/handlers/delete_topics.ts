/**
 * DeleteTopics deletes topics and all their records. Each topic succeeds or fails independently.
 *
 * Serves versions 1 to 6. Version 5 adds error messages. From version 6 a topic is named by its id
 * or its name, before by its name only.
 *
 * @module
 */
import { deleteTopics, type DeleteTopicsRequest } from "../../protocol/messages/delete_topics.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "deleteTopics">;
}

/** Serves DeleteTopics. */
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
