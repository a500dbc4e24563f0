/**
 * AlterConfigs replaces all configs of topics and brokers: a key that is not named goes back to its
 * default. Each resource is decided by itself, its keys together. A broker named "" is every broker.
 * IncrementalAlterConfigs, which leaves other keys alone, is what clients should send.
 *
 * Serves versions 0 to 2, which ask for the same. From 1 the broker may throttle after the answer
 * rather than before, 2 has the flexible encoding.
 *
 * @module
 */
import { alterConfigs } from "../../protocol/messages/alter_configs.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../../controller/controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "alterConfigs">;
}

/** Replaces configs. */
export const alterConfigsHandler: Handler<Needs> = defineHandler(alterConfigs, {
  async handle({ resources, validateOnly }, { services }) {
    const results = await services.controller.alterConfigs(resources, { validateOnly });
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
});
