/**
 * ListGroups: returns the groups that a broker coordinates.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";

/**
 * The ListGroups API. Version 4 adds the group state and a filter by state (KIP-518), 5 the group
 * type and a filter by type (KIP-848).
 */
export const listGroups = defineApi({
  key: 16,
  name: "ListGroups",
  versions: "0-5",
  flexible: "3+",
  request: struct({
    statesFilter: array(string(), { versions: "4+" }),
    typesFilter: array(string(), { versions: "5+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    errorCode: int16(),
    groups: array(struct({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: "4+" }),
      groupType: string({ versions: "5+" }),
    })),
  }),
});

/** A decoded ListGroups request. */
export type ListGroupsRequest = RequestOf<typeof listGroups>;
/** A decoded ListGroups response. */
export type ListGroupsResponse = ResponseOf<typeof listGroups>;
