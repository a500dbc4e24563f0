/**
 * The principal of a client in the `requestPrincipal` of an Envelope.
 *
 * @module
 */
import { defineEmbeddedType } from "../embedded_type.ts";
import { bool, type Decoded, string, struct } from "../schema.ts";

/** A principal as Apache Kafka's default principal builder encodes it (KIP-590). */
export const defaultPrincipalData = defineEmbeddedType({
  name: "DefaultPrincipalData",
  versions: "0",
  flexible: "0+",
  newerVersions: "reject",
  fields: struct({
    type: string(),
    name: string(),
    tokenAuthenticated: bool(),
  }),
});

/** A decoded principal. */
export type DefaultPrincipalData = Decoded<typeof defaultPrincipalData.fields>;
