/**
 * ApiVersions has the same handler on brokers and controllers: that of the controller, whose file has its
 * meaning and its versions.
 *
 * @module
 */
export { apiVersionsHandler } from "../../controller/handlers/api_versions.ts";
