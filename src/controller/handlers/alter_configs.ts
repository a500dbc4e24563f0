/**
 * AlterConfigs replaces all configs of topics and brokers: a key that is not named is reset to its
 * default. Each resource succeeds or fails as a whole, independently of the others. A broker named
 * "" stands for all brokers. Clients should send IncrementalAlterConfigs instead, which leaves
 * other keys unchanged.
 *
 * Serves versions 0 to 2, with the same fields. From version 1 the broker may throttle after the
 * answer rather than before. Version 2 is flexible.
 *
 * @module
 */
import { alterConfigs } from "../../protocol/messages/alter_configs.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "alterConfigs">;
}

/** Serves AlterConfigs. */
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
