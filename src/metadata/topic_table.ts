/**
 * The topics of a metadata state by id and by name.
 *
 * @module
 */
import { collisionName, type TopicImage } from "./image.ts";

/** Finds topics. The cost of a change does not depend on the number of topics. */
export class TopicTable {
  readonly #byId = new Map<string, TopicImage>();
  readonly #byName = new Map<string, TopicImage>();
  readonly #collisions = new Map<string, Set<string>>();
  #partitionCount = 0;

  get size(): number {
    return this.#byId.size;
  }
  get partitionCount(): number {
    return this.#partitionCount;
  }

  byName(name: string): TopicImage | undefined {
    return this.#byName.get(name);
  }
  byId(id: string): TopicImage | undefined {
    return this.#byId.get(id);
  }

  /** Returns every topic in order of creation. */
  all(): IterableIterator<TopicImage> {
    return this.#byId.values();
  }

  /** Returns the name of a topic that differs from `name` only in `.` and `_`. */
  collidingWith(name: string): string | undefined {
    for (const other of this.#collisions.get(collisionName(name)) ?? []) {
      if (other !== name) return other;
    }
    return undefined;
  }

  /** Adds the topic, or replaces the one with its id. */
  put(topic: TopicImage): void {
    const { name, id, partitions } = topic;
    const before = this.#byId.get(id);
    this.#byId.set(id, topic);
    this.#byName.set(name, topic);
    this.#partitionCount += partitions.length - (before?.partitions.length ?? 0);
    if (before !== undefined || !/[._]/.test(name)) return;
    const key = collisionName(name);
    const colliding = this.#collisions.get(key);
    if (colliding === undefined) this.#collisions.set(key, new Set([name]));
    else colliding.add(name);
  }

  /** Removes a topic. */
  remove({ name, id, partitions }: TopicImage): void {
    this.#byId.delete(id);
    if (this.#byName.get(name)?.id === id) this.#byName.delete(name);
    const colliding = this.#collisions.get(collisionName(name));
    colliding?.delete(name);
    if (colliding?.size === 0) this.#collisions.delete(collisionName(name));
    this.#partitionCount -= partitions.length;
  }
}
