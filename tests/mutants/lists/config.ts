/**
 * Bugs planted in `src/config`.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

/** The bugs of this folder. */
export const CONFIG_MUTANTS: readonly Mutant[] = [
  {
    id: "S101",
    file: "src/config/broker_checks.ts",
    bug: "a key with the same value as the preceding one is reported as ineffective",
    text: "given.get(name) === given.get(first!)",
    replacement: "false",
    test: "tests/config/contradictions_test.ts",
  },
  {
    id: "S102",
    file: "src/config/broker_checks.ts",
    bug: "log.dir is used although log.dirs is given",
    text: 'olderDirectories !== undefined && !given.has("log.dirs")',
    replacement: "olderDirectories !== undefined",
    test: "tests/config/contradictions_test.ts",
  },
  {
    id: "S103",
    file: "src/config/listener_settings.ts",
    bug: "an advertised listener of the controller is rejected",
    text: "if (controllerNames.includes(listener.name)) continue;",
    replacement: "",
    test: "tests/config/listener_settings_test.ts",
  },
  {
    id: "S104",
    file: "src/config/listener_settings.ts",
    bug: "a controller's listener needs an entry in a map that is not given",
    text:
      "for (const name of controllerNames) if (!protocols.has(name)) protocols.set(name, PLAINTEXT);",
    replacement: "",
    test: "tests/config/listener_settings_test.ts",
  },
  {
    id: "S105",
    file: "src/config/listeners.ts",
    bug: "two listeners on free ports are rejected",
    text: "port === 0 || together.length === 1",
    replacement: "together.length === 1",
    test: "tests/config/listener_settings_test.ts",
  },
  {
    id: "S106",
    file: "src/config/listeners.ts",
    bug: "three listeners may share a port",
    text: "together.length === 2 && families",
    replacement: "families",
    test: "tests/config/listener_settings_test.ts",
  },
  {
    id: "S107",
    file: "src/config/quorum.ts",
    bug: "a single voter that is another node is accepted",
    text: "if (!ids.includes(nodeId)) {",
    replacement: "if (ids.length > 1 && !ids.includes(nodeId)) {",
    test: "tests/config/contradictions_test.ts",
  },
  {
    id: "S108",
    file: "src/config/connection_limits.ts",
    bug: "the limit of an IPv6 address is read from its first colon on",
    text: 'entry.lastIndexOf(":")',
    replacement: 'entry.indexOf(":")',
    test: "tests/config/contradictions_test.ts",
  },
  {
    id: "S109",
    file: "src/config/connection_limits.ts",
    bug: "the limit of an IPv6 address in capitals never applies",
    text: ".toLowerCase();",
    replacement: ";",
    test: "tests/config/contradictions_test.ts",
  },
  {
    id: "S110",
    file: "src/config/definition.ts",
    bug: "2^63 is accepted as a 64-bit number",
    text: "exact >= bound",
    replacement: "exact > bound",
    test: "tests/config/definition_test.ts",
  },
  {
    id: "S111",
    file: "src/config/broker_checks.ts",
    bug: "a duration in minutes is reported as effective beside the same duration in milliseconds",
    text: "!UNIT.test(name) && ",
    replacement: "",
    test: "tests/config/contradictions_test.ts",
  },
];
