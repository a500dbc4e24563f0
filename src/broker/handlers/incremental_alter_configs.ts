/**
 * IncrementalAlterConfigs changes single configs of topics and brokers: sets them, takes them away,
 * or adds to and takes from a list. What it sets is in force when the answer arrives. Each resource
 * is decided by itself, its keys together. A broker named "" is every broker.
 *
 * Serves versions 0 and 1, which ask for the same; 1 has the flexible encoding.
 *
 * @module
 */
import { incrementalAlterConfigs } from "../../protocol/messages/incremental_alter_configs.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../../controller/controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "incrementalAlterConfigs">;
}

/** Changes single configs. */
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
