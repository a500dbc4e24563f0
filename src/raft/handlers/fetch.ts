/**
 * Fetch on a controller listener reads the metadata log. The offset of a follower's fetch acknowledges the
 * records before it (KIP-595). The leader answers at once if it has records, a later high watermark than the
 * follower, or if the logs differ; otherwise after `maxWaitMs`. There are no fetch sessions.
 *
 * Serves versions 4 to 18. Version 12 is the first that is flexible, names the cluster, and has the epoch of
 * the follower's last record, without which a fetch is answered INVALID_REQUEST. Version 13 replaces the
 * topic's name by its id, 15 moves the replica id into a tagged field, 16 adds the endpoint of the leader to
 * the response (KIP-951), 17 the follower's directory id (KIP-853), 18 its high watermark (KIP-1166).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { fetch } from "../../protocol/messages/fetch.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeFetch, encodeFetchAnswer } from "../wire/fetch.ts";

/** The first version whose response has an error for the whole request. */
const FIRST_TOP_LEVEL_ERROR = 7;

/** Serves Fetch of the metadata log. */
export const raftFetchHandler: Handler<RaftNeeds> = defineHandler(fetch, {
  async handle(request, { services: { raft }, connection }) {
    const reply = await raft.request(decodeFetch(request, raft));
    return encodeFetchAnswer(answerOf(reply, "fetch"), reply.records, connection.listener);
  },
  onError({ topics }, errorCode, _message, { apiVersion }) {
    if (apiVersion >= FIRST_TOP_LEVEL_ERROR) return { errorCode, responses: [] };
    return {
      errorCode,
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({
          partitionIndex: partition,
          errorCode,
          highWatermark: -1,
          abortedTransactions: null,
          records: null,
        })),
      })),
    };
  },
});
