/**
 * A program on its own machine, which restarts from its beginning whenever it is killed.
 *
 * @module
 */
import type { Runtime } from "../../../src/runtime/runtime.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { World } from "../world.ts";

/** One client of a scenario. */
export abstract class Role {
  protected readonly random: Xoshiro128;
  /** Whether it was asked to end. */
  protected isStopping = false;
  /** Whether it has ended. */
  isDone = false;
  #life = 0;

  constructor(protected readonly world: World, readonly host: string) {
    this.random = world.random(`role ${host}`);
  }

  /** The program: one life of it, numbered from 1. */
  protected abstract live(runtime: Runtime, life: number): Promise<void>;

  /** Starts a life. */
  start(): void {
    const life = ++this.#life;
    this.live(this.world.runtime(this.host), life).catch((error) => {
      this.world.fail(`${this.host} failed: ${(error as Error).stack ?? error}`);
    }).then(async () => {
      // Closing is complete once all promises have settled.
      await this.world.pause(1);
      if (life !== this.#life) return;
      this.isDone = true;
      this.world.expectNothingHeld(this.host);
    });
  }

  /** Ends the life as `kill -9` does, and starts the next one after `deadMs`. */
  async replace(deadMs: number): Promise<void> {
    if (this.isDone) return;
    const life = ++this.#life;
    this.world.count("client kills");
    this.world.replaceProcess(this.host);
    await this.world.pause(deadMs);
    // It may have been killed once more meanwhile.
    if (life === this.#life) this.start();
  }

  /** Asks it to end. */
  stop(): void {
    this.isStopping = true;
  }
}
