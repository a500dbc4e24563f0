/**
 * UpdateFeatures changes the levels of cluster features (KIP-584): all of those in the request, or none. With
 * `validateOnly` nothing is changed and the answer is the same.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds `validateOnly` and replaces `allowDowngrade` by the type of
 * the change (KIP-778). Version 2 removes the results of single features (KIP-1022): those of versions 0 and 1
 * repeat the success of the whole request, and are absent if it fails.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { updateFeatures } from "../../protocol/messages/update_features.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "run">;
}

/** The last version with a result for each feature. */
const LAST_WITH_RESULTS = 1;
const SUCCESS = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Serves UpdateFeatures. */
export const updateFeaturesHandler: Handler<Needs> = defineHandler(updateFeatures, {
  async handle(request, { apiVersion, services: { controller } }) {
    const { featureUpdates, validateOnly } = request;
    await controller.run((active) => active.updateFeatures(request, { validateOnly }));
    return {
      ...SUCCESS,
      results: apiVersion <= LAST_WITH_RESULTS
        ? featureUpdates.map(({ feature }) => ({ feature, ...SUCCESS }))
        : [],
    };
  },
  onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, results: [] }),
});
