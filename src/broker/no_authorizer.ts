/**
 * The answer to requests about access control.
 *
 * @module
 */

/** The error message of requests about access control entries while there is no authorizer. */
export const NO_AUTHORIZER = "No authorizer is configured: this version has no access control";
