/**
 * The number of replicas that this version keeps.
 *
 * @module
 */

/** Maximum number of replicas of a new partition: brokers do not fetch from each other. */
export const MAX_REPLICAS = 1;
