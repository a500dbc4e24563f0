/**
 * The data that members of a classic consumer group exchange through the coordinator, which treats
 * it as opaque: a member's subscription (`metadata` in JoinGroup) and its assignment (`assignment`
 * in SyncGroup). Both begin with their version. An unknown newer version is decoded as the newest
 * known one, since new versions only append fields.
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

/** A struct that is preceded by its own version. */
export interface EmbeddedType<Out, In> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly fields: Struct<Out, In>;
  /** Encodes the version and the value. */
  encode(value: In, version?: number): Uint8Array;
  /** Throws {@linkcode ProtocolError} for bytes that are not such a value. */
  decode(bytes: Uint8Array): Out;
}

/** Topics with partitions, as used by both types. */
const topicPartitions = struct({
  topic: string(),
  partitions: array(int32()),
});

/**
 * The topics a member subscribes to. Version 1 adds the partitions it owns (KIP-429), 2 the
 * generation in which it owned them (KIP-792), 3 its rack (KIP-881).
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

/**
 * The partitions assigned to a member. Its versions equal those of the subscription and do not
 * differ.
 */
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
/** A subscription as accepted by its encoder. */
export type ConsumerProtocolSubscriptionInput = Encodable<
  typeof consumerProtocolSubscription.fields
>;
/** A decoded assignment. */
export type ConsumerProtocolAssignment = Decoded<typeof consumerProtocolAssignment.fields>;
/** An assignment as accepted by its encoder. */
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
