/**
 * UpdateFeatures is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { updateFeaturesHandler as decides } from "../../controller/handlers/update_features.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards UpdateFeatures. */
export const updateFeaturesHandler: Handler<ForwardingNeeds> = forwarded(decides);
