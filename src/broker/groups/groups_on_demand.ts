/**
 * The group coordinator of a broker, which is made at once or, if its code is loaded on demand, for the first
 * request that needs it. Until then there is no group.
 *
 * @module
 */
import type { GroupCoordinator, GroupCoordinatorOptions } from "../../groups/group_coordinator.ts";

/** What only a node runs that has a group. */
export type GroupParts = typeof import("./group_parts.ts");

/** Holds the group coordinator of a broker. */
export class GroupsOnDemand {
  readonly #parts: GroupParts | (() => Promise<GroupParts>);
  readonly #options: GroupCoordinatorOptions;
  #coordinator: GroupCoordinator | null = null;
  #isStopped = false;

  constructor(parts: GroupParts | (() => Promise<GroupParts>), options: GroupCoordinatorOptions) {
    this.#parts = parts;
    this.#options = options;
    if (typeof parts !== "function") this.#make(parts);
  }

  /** The coordinator. Throws an Error if it has not been loaded. */
  get coordinator(): GroupCoordinator {
    if (this.#coordinator === null) {
      throw new Error("The group coordinator is used before it has been loaded");
    }
    return this.#coordinator;
  }

  /** Makes the coordinator if there is none. Rejects if its code cannot be loaded; may be called again then. */
  async load(): Promise<void> {
    if (this.#coordinator !== null || typeof this.#parts !== "function") return;
    const parts = await this.#parts();
    // Another request may have loaded it at the same time.
    if (this.#coordinator === null) this.#make(parts);
  }

  /** Deletes the committed offsets of deleted topics. */
  onTopicsDeleted(names: Iterable<string>): void {
    this.#coordinator?.onTopicsDeleted(names);
  }

  /** Stops the coordinator, also one that is made later: it refuses all requests. May be called twice. */
  shutdown(): void {
    this.#isStopped = true;
    this.#coordinator?.shutdown();
  }

  #make({ GroupCoordinator }: GroupParts): void {
    this.#coordinator = new GroupCoordinator(this.#options);
    if (this.#isStopped) this.#coordinator.shutdown();
  }
}
