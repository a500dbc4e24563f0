/**
 * What the tests of the quorum's files share.
 *
 * @module
 */
import type { SnapshotHeader } from "../../../src/raft/storage/snapshot_writer.ts";
import type { FileSystem } from "../../../src/runtime/runtime.ts";

/** The directory of the metadata log. */
export const DIRECTORY = "/data/__cluster_metadata-0";

/** `0-0.checkpoint`, as `kafka-storage format --standalone` of Apache Kafka 4.4 writes it. */
export const KAFKA_SNAPSHOT: Uint8Array<ArrayBuffer> = bytesOfHex([
  "00000000000000000000009a0000000002b49aff95002000000002000001a22daa38ef000001a22daa38efff",
  "ffffffffffffffffffffffffff000000032a0000000800000003160000000001a22daa38e200001e00000208",
  "000000050a000000010000820100000408000000066e0000020000000131dc295d513b46cdafd82be28a9fd5",
  "9f020b434f4e54524f4c4c45520a3132372e302e302e314a9500000000010000000000000000000000030000",
  "00f100000000026130b22f000000000005000001a22daa3909000001a22daa3909ffffffffffffffffffffff",
  "ffffff000000063a000000012e010c00116d657461646174612e76657273696f6e002100005a000002014e01",
  "0c0021656c696769626c652e6c65616465722e7265706c696361732e76657273696f6e000100003400000401",
  "28010c000e67726f75702e76657273696f6e00010000340000060128010c000e73686172652e76657273696f",
  "6e0002000038000008012c010c001073747265616d732e76657273696f6e000100004000000a0134010c0014",
  "7472616e73616374696f6e2e76657273696f6e0002000000000000000000090000003f00000000021fcbc954",
  "002000000000000001a22daa390c000001a22daa390cffffffffffffffffffffffffffff000000011a000000",
  "08000000040600000000",
].join(""));

/** Its header. */
export const KAFKA_HEADER: SnapshotHeader = {
  lastContainedLogTimestamp: 1_796_062_460_130,
  kraftVersion: 1,
  voters: [{
    id: 1,
    directoryId: "MdwpXVE7Rs2v2Cviip_Vnw",
    endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 19093 }],
    kraftVersions: { min: 0, max: 1 },
  }],
};

/** A header under `kraft.version` 0. */
export const STATIC_HEADER: SnapshotHeader = {
  lastContainedLogTimestamp: 5,
  kraftVersion: 0,
  voters: null,
};

/** Parses bytes in hexadecimal digits. */
export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
}

/** Replaces the content of a file. */
export function writeFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path, "create");
  file.truncate(0);
  if (bytes.length > 0) file.writeAt(bytes, 0);
  file.close();
}

/** Returns the content of a file. */
export function readFile(files: FileSystem, path: string): Uint8Array<ArrayBuffer> {
  const file = files.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.readAt(bytes, 0);
  file.close();
  return bytes;
}
