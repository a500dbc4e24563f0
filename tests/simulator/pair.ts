/**
 * Two simulated machines with a connection between them, and ways to watch it.
 *
 * @module
 */
import type { Connection, Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import type { SimulationOptions } from "../../src/simulator/simulation_options.ts";

/** A client that is connected to a server. */
export interface Pair {
  readonly simulation: Simulation;
  /** On machine "client". */
  readonly client: Connection;
  /** On machine "server". */
  readonly server: Connection;
}

/** Connects the machine "client" to the machine "server". */
export async function pair(seed: number, options: SimulationOptions = {}): Promise<Pair> {
  const simulation = new Simulation(seed, options);
  const [client, server] = await simulation.run((async () => {
    const listener = await simulation.runtime("server").network.listen({
      host: "0.0.0.0",
      port: 9092,
    });
    return await Promise.all([
      simulation.runtime("client").network.connect({ host: "server", port: 9092 }),
      listener.accept(),
    ]);
  })());
  return { simulation, client, server: server! };
}

/** Resolves after `delayMs` on the clock of a process. */
export function pause({ clock }: Runtime, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}

/** Collects all that arrives, and "broken" when the connection breaks. */
export function collect(connection: Connection): (number | "broken")[] {
  const received: (number | "broken")[] = [];
  void (async (): Promise<void> => {
    const buffer = new Uint8Array(1_000);
    for (let count; (count = await connection.readInto!(buffer)) !== null;) {
      received.push(...buffer.subarray(0, count));
    }
  })().catch(() => received.push("broken"));
  return received;
}
