/** The text of `quorum-state`, compared with files that Apache Kafka 4.4 has written. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeQuorumState,
  encodeQuorumState,
  QuorumStateError,
  type StoredQuorumState,
} from "../../../src/raft/storage/quorum_state_format.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";

const DIRECTORY = "MdwpXVE7Rs2v2Cviip_Vnw";

const EXAMPLES: readonly [string, StoredQuorumState][] = [
  [
    '{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,' +
    '"currentVoters":[{"voterId":1}],"data_version":0}',
    { version: 0, leaderId: 1, leaderEpoch: 1, votedKey: null, voterIds: [1] },
  ],
  [
    '{"clusterId":"","leaderId":-1,"leaderEpoch":4,"votedId":3,"appliedOffset":0,' +
    '"currentVoters":[{"voterId":1},{"voterId":2},{"voterId":3}],"data_version":0}',
    {
      version: 0,
      leaderId: null,
      leaderEpoch: 4,
      votedKey: { id: 3, directoryId: ZERO_UUID },
      voterIds: [1, 2, 3],
    },
  ],
  [
    '{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA",' +
    '"data_version":1}',
    { version: 1, leaderId: 1, leaderEpoch: 1, votedKey: null },
  ],
  [
    `{"leaderId":-1,"leaderEpoch":2147483647,"votedId":7,"votedDirectoryId":"${DIRECTORY}",` +
    '"data_version":1}',
    {
      version: 1,
      leaderId: null,
      leaderEpoch: 2_147_483_647,
      votedKey: { id: 7, directoryId: DIRECTORY },
    },
  ],
];

test("encodeQuorumState() writes what Apache Kafka writes, and decodeQuorumState() reads it", () => {
  for (const [text, state] of EXAMPLES) {
    assertEquals(encodeQuorumState(state), text);
    assertEquals(decodeQuorumState(text), state);
  }
});

test("decodeQuorumState() ignores the order of fields, unknown fields and a second line", () => {
  assertEquals(
    decodeQuorumState(
      `{"data_version":1,"votedDirectoryId":"${DIRECTORY}","votedId":2,"leaderEpoch":3,` +
        '"more":[],"leaderId":-1}\n{"leaderId":9}',
    ),
    { version: 1, leaderId: null, leaderEpoch: 3, votedKey: { id: 2, directoryId: DIRECTORY } },
  );
});

test("decodeQuorumState() accepts null for no voters", () => {
  const text = '{"clusterId":"","leaderId":-1,"leaderEpoch":0,"votedId":-1,"appliedOffset":0,' +
    '"currentVoters":null,"data_version":0}';
  assertEquals(decodeQuorumState(text), {
    version: 0,
    leaderId: null,
    leaderEpoch: 0,
    votedKey: null,
    voterIds: [],
  });
});

test("decodeQuorumState() rejects every part of a text", () => {
  for (const [text] of EXAMPLES) {
    for (let length = 0; length < text.length; length++) {
      assertThrows(() => decodeQuorumState(text.slice(0, length)), QuorumStateError);
    }
  }
});

test("decodeQuorumState() says which field is wrong", () => {
  const valid = {
    leaderId: 1,
    leaderEpoch: 1,
    votedId: -1,
    votedDirectoryId: ZERO_UUID,
    data_version: 1,
  };
  const cases: [Record<string, unknown>, string][] = [
    [{ ...valid, data_version: 2 }, "its data_version is 2, this release supports 0 and 1"],
    [{ ...valid, data_version: "1" }, "it has no data_version"],
    [{ ...valid, data_version: -1 }, "its data_version is -1"],
    [{ ...valid, leaderEpoch: -1 }, "its leaderEpoch is -1"],
    [{ ...valid, leaderEpoch: 1.5 }, "its leaderEpoch is 1.5"],
    [{ ...valid, leaderEpoch: 2_147_483_648 }, "its leaderEpoch is 2147483648"],
    [{ ...valid, leaderId: "1" }, 'its leaderId is "1"'],
    [{ ...valid, leaderId: -2 }, "its leaderId is -2"],
    [{ ...valid, votedId: undefined }, "it has no votedId"],
    [{ ...valid, votedDirectoryId: "short" }, 'its votedDirectoryId is "short"'],
    [{ ...valid, votedDirectoryId: undefined }, "it has no votedDirectoryId"],
    [{ ...valid, data_version: 0 }, "it has no list of currentVoters"],
    [{ ...valid, data_version: 0, currentVoters: [{}] }, "it has no voterId"],
    [{ ...valid, data_version: 0, currentVoters: [null] }, "it has no voterId"],
  ];
  for (const [fields, message] of cases) {
    assertThrows(() => decodeQuorumState(JSON.stringify(fields)), QuorumStateError, message);
  }
  for (const text of ["[]", "null", "7"]) {
    assertThrows(() => decodeQuorumState(text), QuorumStateError, "it is not a JSON object");
  }
});
