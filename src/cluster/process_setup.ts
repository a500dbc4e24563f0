/**
 * What the supervisor of several nodes determines before it starts them. It loads no part of a node.
 *
 * @module
 */
import { META_PROPERTIES, readClusterId } from "../log/directory/meta_properties.ts";
import { randomUuid } from "../protocol/uuid.ts";
import { hostRuntime } from "../runtime/host.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Returns the cluster that one of the data directories belongs to, a new id if none belongs to one. */
export function clusterIdFor(
  directories: readonly string[],
  { files, random }: Pick<Runtime, "files" | "random"> = hostRuntime(),
): string {
  for (const directory of directories) {
    const clusterId = readClusterId(files, `${directory}/${META_PROPERTIES}`);
    if (clusterId !== null) return clusterId;
  }
  return randomUuid(random);
}

/** Returns free ports of `host`, which stay free unless another program takes them. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const { network } = hostRuntime();
  const listeners = await Promise.all(
    Array.from({ length: count }, () => network.listen({ host, port: 0 })),
  );
  const ports = listeners.map(({ address }) => address.port);
  for (const listener of listeners) listener.close();
  return ports;
}
