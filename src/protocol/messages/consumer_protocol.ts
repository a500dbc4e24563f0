/**
 * What the members of a classic consumer group tell each other through the coordinator, which does
 * not look inside: a member's subscription (JoinGroup's `metadata`) and what it was assigned
 * (SyncGroup's `assignment`). Both begin with their version; a version newer than ours is read as
 * our newest, since later ones only add fields at the end.
 *
 * @module
 */
import {
  array,
  bytes,
  codecOf,
  type Decoded,
  type Encodable,
  int32,
  string,
  type Struct,
  struct,
} from "../schema.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../wire.ts";

/** A struct that carries its own version in front. */
export interface EmbeddedType<Out, In> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly fields: Struct<Out, In>;
  /** The version, then the value. */
  encode(value: In, version?: number): Uint8Array;
  /** Throws {@linkcode ProtocolError} for bytes that are no such value. */
  decode(bytes: Uint8Array): Out;
}

/** Topics and partitions, as both types list them. */
const topicPartitions = struct({
  topic: string(),
  partitions: array(int32()),
});

/**
 * What a member wants to read. Version 1 adds the partitions it owns (KIP-429), 2 the generation it
 * owned them in (KIP-792), 3 its rack (KIP-881).
 */
export const consumerProtocolSubscription = embedded(
  "ConsumerProtocolSubscription",
  3,
  struct({
    topics: array(string()),
    userData: bytes({ nullable: "0+", default: null }),
    ownedPartitions: array(topicPartitions, { versions: "1+" }),
    generationId: int32({ versions: "2+", default: -1 }),
    rackId: string({ versions: "3+", nullable: "3+", default: null }),
  }),
);

/** What a member is to read. The versions keep step with the subscription's and are all alike. */
export const consumerProtocolAssignment = embedded(
  "ConsumerProtocolAssignment",
  3,
  struct({
    assignedPartitions: array(topicPartitions),
    userData: bytes({ nullable: "0+", default: null }),
  }),
);

/** A decoded subscription. */
export type ConsumerProtocolSubscription = Decoded<typeof consumerProtocolSubscription.fields>;
/** A subscription as its encoder takes it. */
export type ConsumerProtocolSubscriptionInput = Encodable<
  typeof consumerProtocolSubscription.fields
>;
/** A decoded assignment. */
export type ConsumerProtocolAssignment = Decoded<typeof consumerProtocolAssignment.fields>;
/** An assignment as its encoder takes it. */
export type ConsumerProtocolAssignmentInput = Encodable<typeof consumerProtocolAssignment.fields>;

function embedded<Out, In>(
  name: string,
  maxVersion: number,
  fields: Struct<Out, In>,
): EmbeddedType<Out, In> {
  return {
    name,
    minVersion: 0,
    maxVersion,
    fields,
    encode(value, version = maxVersion) {
      const writer = new ByteWriter();
      writer.int16(version);
      codecOf(fields, version, false).write(writer, value);
      return writer.toBytes();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const version = reader.int16();
      if (version < 0) throw new ProtocolError(`${name} cannot have version ${version}`);
      return codecOf(fields, Math.min(version, maxVersion), false).read(reader);
    },
  };
}
