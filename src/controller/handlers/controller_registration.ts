/**
 * ControllerRegistration registers a controller with its listeners and features (KIP-919), so that
 * administrators find it and no feature rises above what it supports. Each controller registers when it has
 * started, and again when its registration has been removed.
 *
 * Serves version 0, which is flexible. Its `zkMigrationReady` has no effect: a migration from ZooKeeper is not
 * supported.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { controllerRegistration } from "../../protocol/messages/controller_registration.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** Serves ControllerRegistration. */
export const controllerRegistrationHandler: Handler<Needs> = defineHandler(
  controllerRegistration,
  {
    async handle(request, { services: { controller } }) {
      await controller.run((active) => active.registerController(request));
      return { errorCode: ErrorCode.NONE, errorMessage: null };
    },
    onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage }),
  },
);
