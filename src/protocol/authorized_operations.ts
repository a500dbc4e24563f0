/**
 * The operations that a client is authorized for, as bits (KIP-430): all of them, without an authorizer.
 *
 * @module
 */

const CREATE = 5;
const DELETE = 6;
const ALTER = 7;
const DESCRIBE = 8;
const READ = 3;
const WRITE = 4;
const CLUSTER_ACTION = 9;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;
const IDEMPOTENT_WRITE = 12;

/** The value for operations that were not requested. */
export const OPERATIONS_NOT_ASKED = -2147483648;

/** All operations on a topic. */
export const TOPIC_OPERATIONS: number = bits(
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
);

/** All operations on a group. */
export const GROUP_OPERATIONS: number = bits(
  READ,
  DELETE,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
);

/** All operations on the cluster. */
export const CLUSTER_OPERATIONS: number = bits(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
);

function bits(...operations: number[]): number {
  return operations.reduce((sum, operation) => sum | 1 << operation, 0);
}
