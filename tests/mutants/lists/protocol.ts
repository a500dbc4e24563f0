/**
 * Bugs planted in `src/protocol`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** P4 and P6 went unnoticed when they were first tried by hand, P101 and above are newer. */
export const PROTOCOL_MUTANTS: readonly Mutant[] = [
  {
    id: "P4",
    file: "src/protocol/records/compression/lz4_block.ts",
    bug: "an lz4 match may reach before its window",
    text: "distance > to - windowStart",
    replacement: "distance > to",
  },
  {
    id: "P6",
    file: "src/protocol/records/compression/zstd_block.ts",
    bug: "a zstd match may reach before its frame",
    text: "offset > to - this.#frameStart",
    replacement: "offset > to",
  },
  {
    id: "P101",
    file: "src/protocol/frame.ts",
    bug: "once a frame has been cut off, too little of the next leaves the old size as missing",
    text: "this.#needed = 0;\n      return null;",
    replacement: "return null;",
  },
  {
    id: "P102",
    file: "src/protocol/frame.ts",
    bug: "a closed connection keeps its part of the shared buffer budget",
    text: "close(): void {\n    this.#keepNothing();",
    replacement: "close(): void {",
  },
  {
    id: "P103",
    file: "src/protocol/interner.ts",
    bug: "bytes that begin like remembered ones get their string",
    text: "if (a.length !== length) return false;",
    replacement: "",
  },
  {
    id: "P104",
    file: "src/protocol/schema_codec.ts",
    bug: "a tagged field may come twice",
    text: "if (tag <= previous) throw",
    replacement: "if (tag < previous) throw",
  },
  {
    id: "P105",
    file: "src/protocol/schema_codec.ts",
    bug: "a tagged field may be shorter than it says",
    text: "if (reader.offset !== start + size) {",
    replacement: "if (reader.offset > start + size) {",
  },
  {
    id: "P106",
    file: "src/protocol/schema_codec.ts",
    bug: "an array of elements without fields may announce any count",
    text: "count * Math.max(minimumSize, 1) > reader.remaining",
    replacement: "count * minimumSize > reader.remaining",
  },
  {
    id: "P107",
    file: "src/protocol/schema_codec.ts",
    bug: "an unknown tagged field is written beside the known one of the same tag",
    text: "unknown.filter((field) => !byTag.has(field.tag))",
    replacement: "[...unknown]",
  },
  {
    id: "P108",
    file: "src/protocol/uuid.ts",
    bug: "two texts stand for the same UUID",
    text: "if ((bits & 15) !== 0) throw invalid(text);",
    replacement: "",
  },
  {
    id: "P109",
    file: "src/protocol/errors.ts",
    bug: "OFFSET_NOT_AVAILABLE is not retriable",
    text: "  ErrorCode.OFFSET_NOT_AVAILABLE,\n",
    replacement: "",
  },
  {
    id: "P110",
    file: "src/protocol/records/batch_decode.ts",
    bug: "a record may lie behind the last offset of its batch",
    text: "offsetDelta <= this.#previousDelta || offsetDelta > this.#lastOffsetDelta",
    replacement: "offsetDelta <= this.#previousDelta",
  },
  {
    id: "P111",
    file: "src/protocol/records/batch_split.ts",
    bug: "a batch may be shorter than its header",
    text: "magic === CURRENT_MAGIC && length < RECORDS_OFFSET - LOG_OVERHEAD",
    replacement: "magic === CURRENT_MAGIC && length < LOG_OVERHEAD",
  },
  {
    id: "P112",
    file: "src/protocol/records/batch_validate.ts",
    bug: "a produced batch may claim more offsets than it has records",
    text: "if (lastOffsetDelta !== count - 1) {",
    replacement: "if (lastOffsetDelta < count - 1) {",
  },
  {
    id: "P113",
    file: "src/protocol/records/record_scan.ts",
    bug: "of equal largest timestamps the last record is named, not the first",
    text: "if (timestampDelta > maxTimestampDelta) {",
    replacement: "if (timestampDelta >= maxTimestampDelta) {",
  },
  {
    id: "P114",
    file: "src/protocol/records/recompress.ts",
    bug: "a batch that outgrows the arena is patched in the memory of before",
    text: "arena.reserve(size);\n  const bytes = arena.memory;",
    replacement: "const bytes = arena.memory;\n  arena.reserve(size);",
  },
  {
    id: "P115",
    file: "src/protocol/records/compression/host_decompression.ts",
    bug: "data that become more than they announce, and more than 256 KiB, are refused",
    text: "if (isTooLarge && maxBytes > AT_ONCE_BYTES) return undefined;",
    replacement: "",
  },
  {
    id: "P116",
    file: "src/protocol/records/compression/lz4.ts",
    bug: "the end mark keeps bytes of a block that was tried in its place",
    text: "writeInt32(target, at, 0);",
    replacement: "",
  },
  {
    id: "P117",
    file: "src/protocol/records/compression/snappy.ts",
    bug: "the chunks together may become more than the bound",
    text: "maxBytes - total)",
    replacement: "maxBytes)",
  },
  {
    id: "P118",
    file: "src/protocol/records/compression/snappy.ts",
    bug: "a snappy copy may reach into the chunk before",
    text: "distance > to - start)",
    replacement: "distance > to)",
  },
  {
    id: "P119",
    file: "src/protocol/records/compression/zstd_block.ts",
    bug: "bits behind the last zstd sequence are ignored",
    text: 'if (reader.position !== 0) throw badZstd("bits follow the sequences");',
    replacement: "",
  },
  {
    id: "P120",
    file: "src/protocol/records/compression/zstd_encoder.ts",
    bug: "repeat offsets of a block that is stored raw are used by the next",
    text: "matcher.offsets = offsets;",
    replacement: "",
  },
];
