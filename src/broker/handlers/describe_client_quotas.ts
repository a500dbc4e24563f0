/**
 * DescribeClientQuotas returns the quotas of the users, client ids and addresses that match a
 * filter (KIP-546). Quotas exist only in a metadata log that Apache Kafka has written: this version
 * has no request that sets them, and does not enforce them.
 *
 * Serves versions 0 and 1, with the same fields. Version 1 is flexible.
 *
 * @module
 */
import type { ClientQuota } from "../../metadata/client_quotas.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  describeClientQuotas,
  type DescribeClientQuotasRequest,
} from "../../protocol/messages/describe_client_quotas.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { MetadataImage } from "../../metadata/image.ts";

type Component = DescribeClientQuotasRequest["components"][number];
/** Returns whether a name of the filter's entity type matches. */
type Matches = (name: string | null) => boolean;

const IP = "ip";
const ENTITY_TYPES: readonly string[] = ["user", "client-id", IP];

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

interface Needs {
  image(): Pick<MetadataImage, "clientQuotas">;
}

/** Serves DescribeClientQuotas. */
export const describeClientQuotasHandler: Handler<Needs> = defineHandler(
  describeClientQuotas,
  {
    handle({ components, strict }, { services }) {
      const filter = filterOf(components);
      const entries = [...services.image().clientQuotas()]
        .filter((quota) => matches(quota, filter, strict))
        .map(({ entity, limits }) => ({
          entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
          values: [...limits].map(([key, value]) => ({ key, value })),
        }));
      return { errorCode: ErrorCode.NONE, errorMessage: null, entries };
    },
    onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, entries: null }),
  },
);

/** Returns the filters by entity type. Throws INVALID_REQUEST, and UNSUPPORTED_VERSION for an unknown type. */
function filterOf(components: readonly Component[]): ReadonlyMap<string, Matches> {
  const filter = new Map<string, Matches>();
  for (const component of components) {
    const { entityType } = component;
    if (entityType === "") throw refused("a type of entity is empty");
    if (filter.has(entityType)) throw refused(`the filter names "${entityType}" more than once`);
    if (!ENTITY_TYPES.includes(entityType)) {
      throw refused(
        `entities of type "${entityType}" have no quotas, use ${ENTITY_TYPES.join(", ")}`,
        ErrorCode.UNSUPPORTED_VERSION,
      );
    }
    filter.set(entityType, matcherOf(component));
  }
  if (filter.has(IP) && filter.size > 1) {
    throw refused(`a filter by "${IP}" cannot be combined with users or client ids`);
  }
  return filter;
}

function matcherOf({ entityType, matchType, match }: Component): Matches {
  switch (matchType) {
    case EXACT:
      if (match === null) throw refused(`the filter by "${entityType}" lacks the name to match`);
      return (name) => name === match;
    case DEFAULT:
    case ANY:
      if (match !== null) {
        throw refused(`the filter by "${entityType}" has the name "${match}" and does not use it`);
      }
      return matchType === ANY ? () => true : (name) => name === null;
    default:
      throw refused(`match type ${matchType} is not known`);
  }
}

/** Returns whether an entity matches. A strict filter matches entities that have exactly its types. */
function matches(
  { entity }: ClientQuota,
  filter: ReadonlyMap<string, Matches>,
  strict: boolean,
): boolean {
  if (strict && entity.size !== filter.size) return false;
  for (const [type, isMatch] of filter) {
    const name = entity.get(type);
    if (name === undefined || !isMatch(name)) return false;
  }
  return true;
}

function refused(reason: string, code: ErrorCode = ErrorCode.INVALID_REQUEST): KafkaError {
  return new KafkaError(code, `Cannot describe client quotas: ${reason}`);
}
