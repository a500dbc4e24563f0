/**
 * Principals: identities of clients, which a broker forwards to a controller in an Envelope.
 *
 * @module
 */
import { defaultPrincipalData } from "./messages/default_principal_data.ts";

/** The identity of a client. */
export interface KafkaPrincipal {
  /** `"User"`, unless a principal builder of Apache Kafka is configured to set another type. */
  readonly type: string;
  readonly name: string;
  /** Whether the client authenticated with a delegation token. */
  readonly tokenAuthenticated: boolean;
}

/** The principal of a client that has not authenticated. */
export const ANONYMOUS_PRINCIPAL: KafkaPrincipal = {
  type: "User",
  name: "ANONYMOUS",
  tokenAuthenticated: false,
};

/** Returns the form that ACLs and settings use: `"User:ANONYMOUS"`. */
export function formatPrincipal({ type, name }: KafkaPrincipal): string {
  return `${type}:${name}`;
}

/** Encodes a principal for an Envelope as Apache Kafka's default principal builder does. */
export function encodePrincipal(principal: KafkaPrincipal): Uint8Array {
  return defaultPrincipalData.encode(principal);
}

/**
 * Decodes a principal of an Envelope. Throws {@linkcode ProtocolError} for bytes that are not a
 * principal of a known version.
 */
export function decodePrincipal(bytes: Uint8Array): KafkaPrincipal {
  const { type, name, tokenAuthenticated } = defaultPrincipalData.decode(bytes);
  return { type, name, tokenAuthenticated };
}
