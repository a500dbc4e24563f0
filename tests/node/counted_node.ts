/**
 * A simulated node whose work is counted in each turn of the event loop: simulated time stands still
 * during work, so turns cannot be timed.
 *
 * @module
 */
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { RawClient } from "../broker/raw_client.ts";
import { CountedFiles } from "../log/counted_files.ts";

const ADDRESS = { host: "broker", port: 9092 };

/** A node on a simulated machine whose calls of the file system are counted in each turn. */
export class CountedNode {
  readonly simulation: Simulation;
  readonly warnings: string[] = [];
  /** The most calls that one turn made since this was set to 0. */
  longestTurn = 0;
  /** The most bytes that one turn read and wrote since this was set to 0. */
  mostBytes = 0;
  node: Node | null = null;
  #counted: CountedFiles | null = null;

  constructor(
    seed = 1,
    private readonly config: Readonly<Record<string, string>> = {},
  ) {
    this.simulation = new Simulation(seed);
    this.simulation.afterEvent(() => {
      this.longestTurn = Math.max(this.longestTurn, this.#counted?.total ?? 0);
      this.mostBytes = Math.max(this.mostBytes, this.#counted?.bytes ?? 0);
      this.#counted?.reset();
    });
  }

  async start(): Promise<void> {
    const runtime = this.simulation.runtime("broker");
    this.#counted = new CountedFiles(runtime.files);
    this.node = await this.simulation.run(
      Node.start({
        parts: ALL_PARTS,
        runtime: { ...runtime, files: this.#counted.files },
        directory: "/data",
        config: {
          "listeners": "PLAINTEXT://broker:9092",
          "auto.create.topics.enable": "false",
          ...this.config,
        },
        logger: {
          log: (level, message) => {
            if (level === "warn" || level === "error") this.warnings.push(message);
          },
        },
      }),
    );
  }

  /** Kills the process and starts another. */
  async restartKilled(): Promise<void> {
    this.simulation.kill("broker");
    this.simulation.restart("broker");
    await this.start();
  }

  async shutdown(): Promise<void> {
    await this.simulation.run(this.node!.shutdown());
  }

  /** Shuts down and starts another process. */
  async restartCleanly(): Promise<void> {
    await this.shutdown();
    this.simulation.kill("broker");
    this.simulation.restart("broker");
    await this.start();
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.simulation.runtime("client"), ADDRESS);
  }
}
