/**
 * Bytes that are not what the protocol says, or values the protocol cannot carry.
 *
 * @module
 */

/**
 * Thrown by every decoder for bytes that end early, lie about a length or hold a value out of
 * range, and by every encoder for a value that has no form on the wire. Never retriable: the same
 * bytes fail again.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
