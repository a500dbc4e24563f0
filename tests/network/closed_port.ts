import { hostRuntime } from "../../src/runtime/host.ts";

/** Returns a port of 127.0.0.1 that nothing listens on. */
export async function closedPort(): Promise<number> {
  const listener = await hostRuntime().network.listen({ host: "127.0.0.1", port: 0 });
  const { port } = listener.address;
  listener.close();
  return port;
}
