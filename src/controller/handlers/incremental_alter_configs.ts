/**
 * IncrementalAlterConfigs changes single configs of topics and brokers: sets or resets them, or
 * adds to or removes from a list. Changes are in effect when the answer is sent. Each resource
 * succeeds or fails as a whole, independently of the others. A broker named "" stands for all
 * brokers.
 *
 * Serves versions 0 and 1, with the same fields. Version 1 is flexible.
 *
 * @module
 */
import { incrementalAlterConfigs } from "../../protocol/messages/incremental_alter_configs.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "incrementalAlterConfigs">;
}

/** Serves IncrementalAlterConfigs. */
export const incrementalAlterConfigsHandler: Handler<Needs> = defineHandler(
  incrementalAlterConfigs,
  {
    async handle({ resources, validateOnly }, { services }) {
      const changes = resources.map(({ resourceType, resourceName, configs }) => ({
        resourceType,
        resourceName,
        changes: configs.map(({ name, configOperation, value }) => ({
          name,
          operation: configOperation,
          value,
        })),
      }));
      const results = await services.controller.incrementalAlterConfigs(changes, { validateOnly });
      return { responses: [...results] };
    },
    onError: ({ resources }, errorCode, errorMessage) => ({
      responses: resources.map(({ resourceType, resourceName }) => ({
        resourceType,
        resourceName,
        errorCode,
        errorMessage,
      })),
    }),
  },
);
