/**
 * Producing, fetching and looking up offsets, with extreme and hostile values.
 *
 * @module
 */
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { initProducerId } from "../../../src/protocol/messages/init_producer_id.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { offsetForLeaderEpoch } from "../../../src/protocol/messages/offset_for_leader_epoch.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { type Int64, MAX_INT64, MIN_INT64 } from "../../../src/protocol/int64.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { crc32c } from "../../../src/protocol/records/crc32c.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { ask, askExtreme, type Case } from "./case.ts";

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const TWO_60 = 1n << 60n;

function batch(count = 1, options: Parameters<typeof encodeBatch>[1] = {}): Uint8Array {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: new TextEncoder().encode(`value ${i}`),
    timestamp: 1_000_000,
  }));
  return encodeBatch(records, options);
}

/** Returns a changed batch, with an updated checksum unless `keepsCrc`. */
function changed(edit: (view: DataView) => void, keepsCrc = false, from = batch()): Uint8Array {
  const bytes = from.slice();
  const view = new DataView(bytes.buffer);
  edit(view);
  if (!keepsCrc) view.setUint32(17, crc32c(bytes.subarray(21)));
  return bytes;
}

function produceOf(
  topic: string,
  records: Uint8Array | null,
  { index = 0, acks = -1, transactionalId = null as string | null } = {},
) {
  return {
    transactionalId,
    acks,
    timeoutMs: 2_000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  };
}

const NOT_COMPRESSED = {
  difference: "Apache Kafka answers UNKNOWN_SERVER_ERROR, which hides the cause",
};
const LENIENT = ["logAppendTimeMs", "logStartOffset", "baseOffset"];
const asked = (name: string, records: Uint8Array | null, options = {}, extra = {}): Case =>
  ask(name, produce, 9, produceOf("scratch", records, options), { ignored: LENIENT, ...extra });

function fetchOf(
  topic: string,
  fetchOffset: number,
  {
    partition = 0,
    sessionId = 0,
    sessionEpoch = -1,
    currentLeaderEpoch = -1,
    maxBytes = 1_000_000,
  } = {},
) {
  return {
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics: [{
      topic,
      topicId: ZERO_UUID,
      partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000, currentLeaderEpoch }],
    }],
    forgottenTopicsData: [],
    rackId: "",
  };
}

const fetching = (name: string, offset: Int64, options = {}): Case =>
  askExtreme(name, fetch, 12, offset, (value) => fetchOf("plain", value, options), {
    ignored: ["sessionId"],
  });

const listing = (name: string, timestamp: Int64, version = 10, partitionIndex = 0): Case =>
  ask(name, listOffsets, version, {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs: 1_000,
    topics: [{ name: "plain", partitions: [{ partitionIndex, timestamp }] }],
  }, { ignored: ["leaderEpoch"] });

const deleting = (name: string, offset: Int64, topic = "scratch", partitionIndex = 0): Case =>
  askExtreme(name, deleteRecords, 2, offset, (value) => ({
    topics: [{ name: topic, partitions: [{ partitionIndex, offset: value }] }],
    timeoutMs: 2_000,
  }), { ignored: ["lowWatermark"] });

const epochOf = (name: string, leaderEpoch: number, currentLeaderEpoch = -1): Case =>
  ask(name, offsetForLeaderEpoch, 4, {
    replicaId: -2,
    topics: [{
      topic: "plain",
      partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }],
    }],
  });

/** The cases. */
export const RECORDS_CASES: readonly Case[] = [
  asked("one record", batch()),
  asked("acks 2", batch(), { acks: 2 }),
  asked("acks -2", batch(), { acks: -2 }),
  asked("an unknown partition", batch(), { index: 99 }),
  asked("a negative partition", batch(), { index: -1 }),
  asked("null records", null, {}, {
    difference: "Apache Kafka never answers null records; a client would wait until its timeout",
  }),
  asked("no bytes of records", new Uint8Array(0)),
  asked("a wrong checksum", changed((view) => view.setUint32(17, 1), true)),
  asked("magic 3", changed((view) => view.setUint8(16, 3), true)),
  asked("magic 1", changed((view) => view.setUint8(16, 1), true)),
  asked("a length beyond the bytes", changed((view) => view.setInt32(8, 10_000), true)),
  asked("a negative length", changed((view) => view.setInt32(8, -5), true)),
  asked("a count of records that is too high", changed((view) => view.setInt32(57, 5))),
  asked("a count of records that is negative", changed((view) => view.setInt32(57, -1))),
  asked("a last offset delta that does not fit", changed((view) => view.setInt32(23, 7))),
  asked("an unknown codec", changed((view) => view.setInt16(21, 7)), {}, {
    difference: "Apache Kafka answers UNKNOWN_SERVER_ERROR, which hides the cause",
  }),
  asked("data that are not gzip", changed((view) => view.setInt16(21, 1)), {}, NOT_COMPRESSED),
  asked("data that are not zstd", changed((view) => view.setInt16(21, 4)), {}, NOT_COMPRESSED),
  asked("a control batch", changed((view) => view.setInt16(21, 0x20))),
  asked("two batches", new Uint8Array([...batch(), ...batch()])),
  asked("a base offset other than 0", changed((view) => view.setBigInt64(0, 1n << 60n), true)),
  asked(
    "a timestamp in nanoseconds",
    changed((view) => {
      view.setBigInt64(27, 1_700_000_000_000_000_000n);
      view.setBigInt64(35, 1_700_000_000_000_000_000n);
    }),
  ),
  asked(
    "the timestamp Long.MAX_VALUE",
    changed((view) => {
      view.setBigInt64(27, MAX_INT64);
      view.setBigInt64(35, MAX_INT64);
    }),
  ),
  asked(
    "the timestamp -1",
    changed((view) => {
      view.setBigInt64(27, -1n);
      view.setBigInt64(35, -1n);
    }),
  ),
  asked(
    "a transactional batch without a transaction",
    batch(1, {
      producerId: 4_000,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    }),
    {},
    {
      difference:
        "Apache Kafka checks the transactional id first; Millrace has no transactions yet",
    },
  ),
  asked(
    "an unknown producer whose sequence begins at 5",
    batch(1, { producerId: 4_001, producerEpoch: 0, baseSequence: 5 }),
  ),
  asked(
    "a producer id of Long.MAX_VALUE",
    changed(
      (view) => view.setBigInt64(43, MAX_INT64),
      false,
      batch(1, {
        producerId: 4_002,
        producerEpoch: 0,
        baseSequence: 0,
      }),
    ),
  ),
  ask("a topic that does not exist", produce, 9, produceOf("missing", batch()), {
    ignored: LENIENT,
  }),
  ask("an illegal topic name", produce, 9, produceOf("no/such name", batch()), {
    ignored: LENIENT,
  }),
  ask("an empty topic name", produce, 9, produceOf("", batch()), { ignored: LENIENT }),
  ask("__consumer_offsets", produce, 9, produceOf("__consumer_offsets", batch()), {
    ignored: LENIENT,
  }),
  ask("__transaction_state", produce, 9, produceOf("__transaction_state", batch()), {
    ignored: LENIENT,
  }),
  ask("a record without a key to a compacted topic", produce, 9, produceOf("compacted", batch(3)), {
    ignored: [...LENIENT, "batchIndexErrorMessage"],
  }),
  ask("a batch above max.message.bytes", produce, 9, produceOf("tiny", batch(200)), {
    ignored: LENIENT,
  }),
  ask("an unknown topic id", produce, 13, {
    ...produceOf("", batch()),
    topicData: [{ topicId: UNKNOWN_ID, partitionData: [{ index: 0, records: batch() }] }],
  }, { ignored: LENIENT }),
  ask("the topic id of zeros", produce, 13, {
    ...produceOf("", batch()),
    topicData: [{ topicId: ZERO_UUID, partitionData: [{ index: 0, records: batch() }] }],
  }, { ignored: LENIENT }),
  ask(
    "zstd in version 6",
    produce,
    6,
    produceOf("scratch", changed((view) => view.setInt16(21, 4))),
    {
      ignored: LENIENT,
    },
  ),
  ask("no topics", produce, 9, { ...produceOf("", null), topicData: [] }),

  fetching("from the beginning", 0),
  fetching("from within a batch", 1),
  fetching("at the end", 6),
  fetching("beyond the end", 7),
  fetching("at 2^60", TWO_60),
  fetching("at Long.MAX_VALUE", MAX_INT64),
  fetching("at -1", -1),
  fetching("at Long.MIN_VALUE", MIN_INT64),
  fetching("below the start of the log", 0, { partition: 1 }),
  fetching("of an unknown partition", 0, { partition: 9 }),
  fetching("with an epoch that is ahead", 0, { currentLeaderEpoch: 99 }),
  fetching("with maxBytes 0", 0, { maxBytes: 0 }),
  fetching("with an unknown session", 0, { sessionId: 12_345, sessionEpoch: 1 }),
  fetching("with a session and the epoch of a new one", 0, { sessionId: 12_345, sessionEpoch: 0 }),
  ask("a topic that does not exist", fetch, 12, fetchOf("missing", 0), { ignored: ["sessionId"] }),
  ask("an unknown topic id", fetch, 13, {
    ...fetchOf("", 0),
    topics: [{
      topicId: UNKNOWN_ID,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
    }],
  }, { ignored: ["sessionId"] }),
  ask("a topic by its id", fetch, 13, (peer) => ({
    ...fetchOf("", 0),
    topics: [{
      topicId: peer.topicIds.get("plain")!,
      partitions: [{ partition: 0, fetchOffset: 3, partitionMaxBytes: 1_000 }],
    }],
  }), { ignored: ["sessionId"] }),

  listing("the latest", -1),
  listing("the earliest", -2),
  listing("the largest timestamp", -3, 7),
  listing("the earliest local", -4, 8),
  listing("the latest tiered", -5, 9),
  listing("the earliest pending upload", -6, 11),
  listing("an unknown special timestamp", -7, 11),
  listing("time 0", 0),
  listing("a time within", 1_001_000),
  listing("a time after the last record", 5_000_000_000_000),
  listing("2^53 + 1", (1n << 53n) + 1n),
  listing("nanoseconds", 1_700_000_000_000_000_000n),
  listing("Long.MAX_VALUE", MAX_INT64),
  listing("Long.MIN_VALUE", MIN_INT64),
  listing("the earliest of a log whose beginning was deleted", -2, 10, 1),
  listing("an unknown partition", -1, 10, 9),

  deleting("beyond the end", 1_000_000),
  deleting("at 2^60", TWO_60),
  deleting("at Long.MAX_VALUE - 1", MAX_INT64 - 1n),
  deleting("at -2", -2),
  deleting("at Long.MIN_VALUE", MIN_INT64),
  deleting("of an unknown partition", 0, "scratch", 9),
  deleting("of a topic that does not exist", 0, "missing"),
  deleting("of a compacted topic", 0, "compacted"),
  deleting("of __consumer_offsets", 0, "__consumer_offsets"),

  epochOf("the current epoch", 0),
  epochOf("an epoch that is ahead", 50),
  epochOf("a negative epoch", -1),
  epochOf("a leader epoch that is ahead", 0, 50),

  ask("an id and no epoch", initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1_000,
    producerId: 5,
    producerEpoch: -1,
  }),
  ask("an epoch and no id", initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1_000,
    producerId: -1,
    producerEpoch: 3,
  }),
  ask("an empty transactional id", initProducerId, 4, {
    transactionalId: "",
    transactionTimeoutMs: 1_000,
    producerId: -1,
    producerEpoch: -1,
  }),
];
