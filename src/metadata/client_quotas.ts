/**
 * Client quotas as set by ClientQuotaRecords (KIP-546). This version stores and describes quotas
 * but does not enforce them.
 *
 * @module
 */
import type { ClientQuotaRecord } from "./records/configs.ts";

/** The quotas of one entity. Immutable. */
export interface ClientQuota {
  /** Names by entity type ("user", "client-id", "ip"); null is the default entity of that type. */
  readonly entity: ReadonlyMap<string, string | null>;
  /** Limits by key, such as "producer_byte_rate". Never empty. */
  readonly limits: ReadonlyMap<string, number>;
}

/** All client quotas of a cluster. */
export class ClientQuotas {
  readonly #byEntity = new Map<string, ClientQuota>();

  /** Sets or removes one limit. */
  apply({ entity: parts, key, value, remove }: ClientQuotaRecord): void {
    const entity = new Map(
      parts.map(({ entityType, entityName }) => [entityType, entityName] as const)
        .sort(([one], [other]) => one < other ? -1 : 1),
    );
    const id = idOf(entity);
    const limits = new Map(this.#byEntity.get(id)?.limits);
    if (remove) limits.delete(key);
    else limits.set(key, value);
    if (limits.size === 0) this.#byEntity.delete(id);
    else this.#byEntity.set(id, { entity, limits });
  }

  /** Returns the quota of an entity. */
  of(entity: ClientQuota["entity"]): ClientQuota | undefined {
    return this.#byEntity.get(idOf(entity));
  }

  /** Returns every entity that has a quota. */
  all(): IterableIterator<ClientQuota> {
    return this.#byEntity.values();
  }
}

/** Returns the key of an entity, whose types are in alphabetical order. */
function idOf(entity: ClientQuota["entity"]): string {
  return JSON.stringify([...entity]);
}
