/**
 * Compares the immutable values of metadata images.
 *
 * @module
 */

/**
 * Returns whether two values are equal: primitives, arrays, byte arrays, maps and plain objects of
 * them. The order of a map's entries does not matter.
 */
export function equalValues(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other)) return false;
  if (Array.isArray(one) || one instanceof Uint8Array) {
    if (!Array.isArray(other) && !(other instanceof Uint8Array)) return false;
    if (one.length !== other.length) return false;
    for (let at = 0; at < one.length; at++) {
      if (!equalValues(one[at], other[at])) return false;
    }
    return true;
  }
  if (one instanceof Map) {
    if (!(other instanceof Map) || one.size !== other.size) return false;
    for (const [key, value] of one) {
      if (!other.has(key) || !equalValues(value, other.get(key))) return false;
    }
    return true;
  }
  if (other instanceof Map || Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => equalValues(one[key], other[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
