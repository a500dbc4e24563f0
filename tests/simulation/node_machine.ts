/**
 * A machine with a broker on it, that starts again whenever it is killed, as a supervisor has it.
 *
 * @module
 */
import { Broker } from "../../src/broker/broker.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import type { World } from "./world.ts";

export const BROKER = "broker";
export const PORT = 9092;
/** What clients are told. */
export const BOOTSTRAP = `${BROKER}:${PORT}`;
export const DATA = "/data";

/** Between a start that failed and the next one. */
const RESTART_MS = 40;
/** What an error in the broker's log may be about: the faults that the scenario has made. */
const MADE_FAULT = /the simulation makes it fail|the simulated disk is full/;
/** What a broker that may open few files says of a flush that it tries again. */
const SHORTAGE = /too many open files/;

/** The broker of a scenario. */
export class BrokerMachine {
  /** The broker that serves now, or null. */
  broker: Broker | null = null;
  /** Whether a partition is out of service until the broker is started again. */
  hasOfflinePartition = false;
  /** Counts processes: who started in an earlier one has nothing to say any more. */
  #life = 0;

  constructor(
    private readonly world: World,
    private readonly config: Readonly<Record<string, string>> = {},
    /** Whether starting may fail with a `KafkaError`, because the disk is made to fail. */
    private readonly mayRefuse = true,
    private readonly directory: string = DATA,
  ) {}

  /** Starts the broker, again and again until it serves or the process is replaced. Never rejects. */
  async start(): Promise<void> {
    const life = ++this.#life;
    const { world } = this;
    for (;;) {
      try {
        const broker = await Broker.start({
          runtime: world.runtime(BROKER),
          directory: this.directory,
          config: {
            "listeners": `PLAINTEXT://${BROKER}:${PORT}`,
            "auto.create.topics.enable": "false",
            ...this.config,
          },
          logger: { log: (level, message) => this.#hear(level, message) },
        });
        if (life !== this.#life) return;
        this.broker = broker;
        world.count("starts");
        broker.failed.then(() => this.#succeed(life, broker));
        return;
      } catch (error) {
        if (life !== this.#life) return;
        this.#judgeRefusal(error);
        world.expectNothingHeld(BROKER);
        await world.pause(RESTART_MS);
        if (life !== this.#life || world.failures.length > 0) return;
        world.replaceProcess(BROKER);
      }
    }
  }

  /** Kills the broker and starts another. */
  async replace(deadMs: number): Promise<void> {
    this.#end();
    const life = this.#life;
    this.world.replaceProcess(BROKER);
    await this.world.pause(deadMs);
    // It may have been killed once more meanwhile.
    if (life === this.#life) this.start();
  }

  /** Cuts the power. Nothing starts by itself then. */
  crash(): void {
    this.#end();
    this.world.crash(BROKER);
  }

  /** Ends the broker in an orderly way, and checks that nothing is left of it. */
  async shutdown(): Promise<void> {
    const { broker, world } = this;
    this.#end();
    await broker?.shutdown();
    await world.expectEnd(BROKER);
  }

  /** The broker has ended by itself, its disk has failed: a supervisor starts the next one. */
  async #succeed(life: number, broker: Broker): Promise<void> {
    if (life !== this.#life) return;
    this.world.count("ended by its disk");
    this.broker = null;
    await broker.shutdown().catch((error) => this.#hear("error", (error as Error).message));
    if (life !== this.#life) return;
    this.world.expectNothingHeld(BROKER);
    await this.world.pause(RESTART_MS);
    if (life !== this.#life || this.world.failures.length > 0) return;
    this.#end();
    this.world.replaceProcess(BROKER);
    await this.start();
  }

  #end(): void {
    this.#life++;
    this.broker = null;
    this.hasOfflinePartition = false;
  }

  #hear(level: string, message: string): void {
    this.world.simulation.trace(`${level}: ${message}`);
    if (/ is offline: | is out of service /.test(message)) this.hasOfflinePartition = true;
    if (level !== "error" || MADE_FAULT.test(message)) return;
    const isShort = Number.isFinite(this.world.simulation.disk(BROKER).maxOpenFiles);
    if (isShort && SHORTAGE.test(message)) this.world.count("shortages logged");
    else this.world.fail(`the broker's log has an error: ${message}`);
  }

  #judgeRefusal(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    // Without the stack, which is told differently by other runtimes.
    this.world.simulation.trace(`start refused: ${(error as Error).message}`);
    this.world.count("refusals");
    const isJustified = this.mayRefuse && error instanceof KafkaError && MADE_FAULT.test(text);
    if (!isJustified) this.world.fail(`the broker refuses to start: ${text}`);
  }
}
