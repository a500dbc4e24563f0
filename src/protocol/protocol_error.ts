/**
 * The error for bytes that violate the protocol and for values that it cannot represent.
 *
 * @module
 */

/**
 * Thrown by decoders for bytes that end early, have a wrong length or hold a value out of range,
 * and by encoders for values that have no encoding. Never retriable: the same bytes fail again.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
