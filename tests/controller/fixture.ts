/**
 * Helpers of the controller tests: an image with brokers and topics.
 *
 * @module
 */
import type { MetadataImage } from "../../src/metadata/image.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { type ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { formatUuid } from "../../src/protocol/uuid.ts";
import { decoded } from "../metadata/fixture.ts";

/** Builds an image from records. */
export function imageOf(...records: MetadataRecordInput[]): MetadataImage {
  const state = new MetadataState();
  if (records.length > 0) state.apply(decoded(...records), records.length - 1, 1);
  return state;
}

/** Formats results as `name: ERROR`. */
export function outcomes(
  results: readonly { readonly name: string | null; readonly errorCode: ErrorCode }[],
): string[] {
  return results.map(({ name, errorCode }) => `${name}: ${errorName(errorCode)}`);
}

/** The fields of a RegisterBrokerRecord. */
export type BrokerValue = Extract<MetadataRecordInput, { name: "RegisterBrokerRecord" }>["value"];

/** Registers a broker with epoch 10 times its id and one log directory, see {@linkcode directory}. */
export function registered(
  brokerId: number,
  state: Partial<BrokerValue> = {},
): MetadataRecordInput {
  return {
    name: "RegisterBrokerRecord",
    value: {
      brokerId,
      incarnationId: uuidOf(1_000 + brokerId),
      brokerEpoch: 10 * brokerId,
      endPoints: [{ name: "PLAINTEXT", host: `h${brokerId}`, port: 9092, securityProtocol: 0 }],
      features: [{ name: "metadata.version", minSupportedVersion: 30, maxSupportedVersion: 33 }],
      rack: null,
      fenced: false,
      inControlledShutdown: false,
      logDirs: [directory(brokerId)],
      ...state,
    },
  };
}

/** Returns the id of a broker's directory. */
export function directory(brokerId: number, index = 0): string {
  return uuidOf(2_000 + 100 * brokerId + index);
}

/** Returns a UUID with `value` in its last bytes. */
export function uuidOf(value: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, value);
  return formatUuid(bytes);
}

/** Returns the values of partition changes as `partition: field=value …`. */
export function changes(records: Iterable<MetadataRecordInput>): string[] {
  return Array.from(records, ({ name, value }) => {
    if (name !== "PartitionChangeRecord") return name;
    const { partitionId, topicId: _, ...fields } = value as Record<string, unknown>;
    const text = Object.entries(fields).map(([key, field]) => `${key}=${field}`);
    return `${partitionId}: ${text.join(" ")}`;
  });
}

/** Returns the name of the error that `run` throws, with its message, or "NONE". */
export function refusal(run: () => unknown): string {
  try {
    run();
    return "NONE";
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return `${errorName(error.code)}: ${error.message}`;
  }
}
