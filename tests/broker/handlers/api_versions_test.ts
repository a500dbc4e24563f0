import { assertEquals } from "@std/assert";
import { SUPPORTED } from "../../../src/broker/supported.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";

const software = { clientSoftwareName: "raw", clientSoftwareVersion: "1.0" };

test("ApiVersions returns the requests served, with Produce from version 0", () =>
  withBroker(async ({ client }) => {
    for (let version = 0; version <= 5; version++) {
      const { errorCode, apiKeys } = await client.request(apiVersions, version, software);
      assertEquals(errorCode, 0);
      assertEquals(
        apiKeys,
        SUPPORTED.map(({ api }) => ({
          apiKey: api.key,
          minVersion: api.key === 0 ? 0 : api.minVersion,
          maxVersion: api.maxVersion,
        })),
      );
    }
  }));

test("ApiVersions returns the level of metadata.version", () =>
  withBroker(async ({ client }) => {
    const answer = await client.request(apiVersions, 4, software);
    assertEquals(answer.finalizedFeatures, [
      { name: "metadata.version", maxVersionLevel: 33, minVersionLevel: 33 },
    ]);
    assertEquals(answer.supportedFeatures.map(({ name }) => name), [
      "metadata.version",
      "kraft.version",
    ]);
    // A minimum level of 0 cannot be decoded by clients of version 3.
    const older = await client.request(apiVersions, 3, software);
    assertEquals(older.supportedFeatures.map(({ name }) => name), ["metadata.version"]);
    assertEquals(answer.finalizedFeaturesEpoch >= 0, true);
  }));

test("ApiVersions in an unknown version is answered in version 0 and keeps the connection open", () =>
  withBroker(async ({ client }) => {
    const writer = new ByteWriter();
    writer.int32(4 + 8 + 2 - 4 + 1);
    writer.int16(18);
    writer.int16(99);
    writer.int32(77);
    writer.int16(-1);
    writer.uvarint(0);
    await client.sendBytes(writer.toBytes());
    const reader = new ByteReader((await client.nextFrame())!);
    assertEquals(reader.int32(), 77);
    assertEquals(apiVersions.responseCodec(0).read(reader).errorCode, 35);
    assertEquals(reader.offset, 4 + 2 + 4 + 6);
    assertEquals((await client.request(apiVersions, 0, {})).errorCode, 0);
  }));

test("ApiVersions 5 answers REBOOTSTRAP_REQUIRED to a client that wants to reach another node", () =>
  withBroker(async ({ broker, client }) => {
    const { clusterId, config: { nodeId } } = broker;
    const cases = [
      [clusterId, nodeId, ErrorCode.NONE],
      [null, -1, ErrorCode.NONE],
      [clusterId, nodeId + 1, ErrorCode.REBOOTSTRAP_REQUIRED],
      ["another-cluster-000000", nodeId, ErrorCode.REBOOTSTRAP_REQUIRED],
      [clusterId, -1, ErrorCode.INVALID_REQUEST],
      [null, nodeId, ErrorCode.INVALID_REQUEST],
    ] as const;
    for (const [clusterId, nodeId, expected] of cases) {
      const request = { ...software, clusterId, nodeId };
      const { errorCode, apiKeys } = await client.request(apiVersions, 5, request);
      assertEquals([errorCode, apiKeys.length > 0], [expected, expected === ErrorCode.NONE]);
    }
  }));

test("ApiVersions rejects an invalid software name", () =>
  withBroker(async ({ client }) => {
    for (const clientSoftwareName of ["", "-raw", "ra w", "raw."]) {
      const answer = await client.request(apiVersions, 3, { ...software, clientSoftwareName });
      assertEquals(answer.errorCode, 42);
    }
  }));
