/**
 * The requests of Apache Kafka that a broker supports.
 *
 * @module
 */
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KAFKA_REQUESTS } from "../broker/kafka_requests.ts";
import { RawClient } from "../broker/raw_client.ts";

/**
 * Returns the requests of Apache Kafka that the broker at `bootstrap` (`host:port`) supports, and
 * those it does not.
 */
export async function requestsOf(
  bootstrap: string,
): Promise<{ served: string[]; missing: string[] }> {
  const { hostname: host, port } = new URL(`kafka://${bootstrap}`);
  const client = await RawClient.connect(hostRuntime(), { host, port: Number(port) });
  try {
    const { apiKeys } = await client.request(apiVersions, 0, {});
    const keys = new Set(apiKeys.map(({ apiKey }) => apiKey));
    const names = (isServed: boolean) =>
      [...KAFKA_REQUESTS].filter(([key]) => keys.has(key) === isServed).map(([, name]) => name);
    return { served: names(true), missing: names(false) };
  } finally {
    client.close();
  }
}
