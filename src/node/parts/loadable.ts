/**
 * Code that may be loaded on demand.
 *
 * @module
 */

/** Parts that have been loaded, or the function that loads them. It may be called more than once. */
export type Loadable<Parts> = Parts | (() => Promise<Parts>);

/** Returns `parts`, which are loaded if they have not been. */
export function loaded<Parts extends object>(parts: Loadable<Parts>): Parts | Promise<Parts> {
  return typeof parts === "function" ? parts() : parts;
}
