/**
 * DeleteGroups: removes empty groups and their committed offsets.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";

/** The DeleteGroups API (KIP-229). Version 3 adds a message to each error. */
export const deleteGroups = defineApi({
  key: 42,
  name: "DeleteGroups",
  versions: "0-3",
  flexible: "2+",
  request: struct({
    groupsNames: array(string()),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    results: array(struct({
      groupId: string(),
      errorCode: int16(),
      errorMessage: string({ versions: "3+", nullable: "3+", default: null }),
    })),
  }),
});

/** A decoded DeleteGroups request. */
export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>;
/** A decoded DeleteGroups response. */
export type DeleteGroupsResponse = ResponseOf<typeof deleteGroups>;
