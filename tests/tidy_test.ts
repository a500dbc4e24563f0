/**
 * Tests the structure of the code: imports between folders, no access to clocks or sockets except
 * through the runtime, the size of files, and that every request has its three files.
 */
import { assertEquals } from "@std/assert";
import { SUPPORTED } from "../src/broker/supported.ts";
import { CONTROLLER_LISTENER } from "../src/controller/requests/supported.ts";
import { RAFT_HANDLERS } from "../src/raft/supported.ts";
import { test } from "./harness.ts";
import { importCycles, lines, modules, namesIn, readText, snakeCase } from "./tidy.ts";

/** The folders that each folder of `src/` may import, as in docs/architecture.md. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  runtime: ["protocol"],
  protocol: [],
  network: ["protocol", "runtime"],
  log: ["protocol", "runtime"],
  raft: ["protocol", "network", "log", "runtime"],
  config: ["protocol", "log"],
  metadata: ["protocol", "log", "runtime", "config"],
  groups: ["protocol", "runtime"],
  transactions: ["protocol"],
  share: ["protocol"],
  controller: ["protocol", "network", "log", "raft", "metadata", "config", "runtime"],
  replication: ["protocol", "log", "runtime"],
  broker: [
    "protocol",
    "network",
    "log",
    "raft",
    "metadata",
    "config",
    "controller",
    "groups",
    "transactions",
    "replication",
    "runtime",
  ],
  node: [
    "protocol",
    "network",
    "log",
    "raft",
    "metadata",
    "config",
    "controller",
    "replication",
    "broker",
    "runtime",
  ],
  inspect: [
    "protocol",
    "log",
    "raft",
    "metadata",
    "config",
    "groups",
    "transactions",
    "share",
    "runtime",
  ],
  client: ["protocol", "network", "runtime"],
  simulator: ["runtime"],
  cluster: [
    "protocol",
    "network",
    "log",
    "config",
    "controller",
    "broker",
    "node",
    "client",
    "runtime",
  ],
};
/** Files of `src/` itself that any folder may import. */
const FOR_ALL = [
  "assert.ts",
  "backoff.ts",
  "limits.ts",
  "logger.ts",
  "nearest_name.ts",
];

const HIDDEN_EFFECTS = [
  /\bDeno\./,
  /["']node:/,
  /\bBun\./,
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\b/,
  /\bMath\.random\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bconsole\b/,
  /\bcrypto\.(getRandomValues|randomUUID)\b/,
  /\bglobalThis\b/,
  /\beval\(|new Function\(/,
];

const MAX_LINES = 600;

test("folders import only folders below them", () => {
  const wrong: string[] = [];
  for (const { path, folder, imports } of modules("src")) {
    if (folder === "") continue;
    const allowed = MAY_IMPORT[folder];
    if (allowed === undefined) {
      wrong.push(`${path}: src/${folder} is not in MAY_IMPORT`);
    }
    for (const { target } of imports) {
      if (!target.startsWith("src/")) {
        wrong.push(`${path} imports ${target}`);
        continue;
      }
      const [, other, ...rest] = target.split("/");
      const isFile = rest.length === 0;
      if (
        isFile ? FOR_ALL.includes(other!) : other === folder || allowed?.includes(other!)
      ) continue;
      wrong.push(`${path} imports ${target}`);
    }
  }
  assertEquals(wrong, []);
});

test("src/ has no import cycle", () => {
  assertEquals(importCycles(modules("src")), []);
});

test("importCycles() finds every group of modules that import each other", () => {
  const graph = (edges: Record<string, string[]>) =>
    Object.entries(edges).map(([path, targets]) => ({
      path,
      imports: targets.map((target) => ({ target })),
    }));
  assertEquals(importCycles(graph({ a: ["b", "c"], b: ["c"], c: [] })), []);
  assertEquals(
    importCycles(graph({ a: ["b"], b: ["c"], c: ["b", "d"], d: ["e"], e: ["d"], f: ["f"] })),
    [["b", "c"], ["d", "e"], ["f"]],
  );
});

test("the library has no dependency", () => {
  const wrong = [...modules("src"), ...modules("mod.ts")]
    .flatMap(({ path, external }) => external.map((name) => `${path} imports ${name}`))
    .filter((line) => !/^src\/runtime\/.* imports node:/.test(line));
  assertEquals(wrong, []);
});

/** Files that commands may import beside the public entry points. */
const FOR_COMMANDS = [
  "deno.json",
  "src/nearest_name.ts",
  "src/cluster/format_process.ts",
  "src/cluster/node_process.ts",
  "src/cluster/process_setup.ts",
  "src/cluster/start_process.ts",
  "src/config/broker_checks.ts",
];

/** Returns whether the module is a public entry point: `exports` in deno.json names it. */
function isEntry(target: string): boolean {
  const { exports } = JSON.parse(readText("deno.json"));
  return Object.values(exports).includes(`./${target}`);
}

test("commands import only the public entry points of the library", () => {
  const wrong = modules("cli").flatMap(({ path, imports, external }) => [
    ...imports.map(({ target }) => target)
      .filter((target) =>
        !isEntry(target) && !target.startsWith("cli/") && !FOR_COMMANDS.includes(target)
      )
      .map((target) => `${path} imports ${target}`),
    ...external
      .filter((name) => !/^@std\/(cli|streams)/.test(name) && !name.startsWith("node:"))
      .map((name) => `${path} imports ${name}`),
  ]);
  assertEquals(wrong, []);
});

test("no module outside src/runtime/ has hidden effects", () => {
  const wrong: string[] = [];
  for (const { path, folder } of modules("src")) {
    if (folder === "runtime") continue;
    lines(path).forEach((line, index) => {
      if (/^\s*(\*|\/\/|\/\*)/.test(line)) return;
      for (const effect of HIDDEN_EFFECTS) {
        if (effect.test(line)) {
          wrong.push(`${path}:${index + 1}: ${line.trim()}`);
        }
      }
    });
  }
  assertEquals(wrong, []);
});

test("no file exceeds the maximum length", () => {
  const long = ["src", "cli", "tests", "bench", "mod.ts"]
    .flatMap((place) => modules(place).map(({ path }) => path))
    .filter((path) => lines(path).length > MAX_LINES);
  assertEquals(long, []);
});

/** Files of `src/` are shorter than others. */
const MAX_SOURCE_LINES = 450;

test("no file of src/ has more than 450 lines", () => {
  const long = modules("src")
    .map(({ path }) => path)
    .filter((path) => lines(path).length > MAX_SOURCE_LINES);
  assertEquals(long, []);
});

/** Folders with one file per request may have any number of files. */
const MAX_FILES = 20;
const LARGE_FOLDERS = ["src/protocol/messages", "src/broker/handlers", "src/raft/handlers"];

test("no folder of src/ has more than 20 files", () => {
  const counts = new Map<string, number>();
  for (const { path } of modules("src")) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const large = [...counts]
    .filter(([folder, count]) => count > MAX_FILES && !LARGE_FOLDERS.includes(folder));
  assertEquals(large, []);
});

test("deno task test:wide runs every test that uses isWide or seedCount()", () => {
  const { tasks } = JSON.parse(readText("deno.json"));
  const places: string[] = tasks["test:wide"].command.match(/\btests\/\S+/g);
  const missing = modules("tests")
    .map(({ path }) => path)
    .filter((path) => /import \{[^}]*\b(isWide|seedCount)\b/.test(readText(path)))
    .filter((path) => !places.some((place) => path.startsWith(place)));
  assertEquals(missing, []);
});

test("every module has a module comment", () => {
  const silent = ["src", "cli", "mod.ts"]
    .flatMap((place) => modules(place).map(({ path }) => path))
    .filter((path) => !/^\/\*\*[\s\S]*?@module\s*\n?\s*\*\//.test(readText(path)));
  assertEquals(silent, []);
});

/** The folders with handlers, and the handlers that are served. */
const SERVED = [
  { folder: "broker", handlers: SUPPORTED },
  { folder: "raft", handlers: RAFT_HANDLERS },
  {
    folder: "controller",
    handlers: CONTROLLER_LISTENER.filter((handler) =>
      !RAFT_HANDLERS.some(({ api }) => api === handler.api)
    ),
  },
];

test("every supported request has a message, a handler and a test", () => {
  const missing: string[] = [];
  for (const { folder, handlers } of SERVED) {
    for (const { api } of handlers) {
      const name = snakeCase(api.name);
      for (
        const path of [
          `src/protocol/messages/${name}.ts`,
          `src/${folder}/handlers/${name}.ts`,
        ]
      ) {
        if (readText(path) === "") missing.push(path);
      }
      // What controllers decide for clients is tested through a broker.
      const tests = [folder, ...(folder === "controller" ? ["broker"] : [])]
        .map((place) => `tests/${place}/handlers/${name}_test.ts`);
      if (tests.every((path) => readText(path) === "")) missing.push(tests[0]!);
    }
  }
  assertEquals(missing, []);
});

test("every handler is in the list of supported requests", () => {
  for (const { folder, handlers } of SERVED) {
    const served = handlers.map(({ api }) => `${snakeCase(api.name)}.ts`).sort();
    assertEquals(
      namesIn(`src/${folder}/handlers`).filter((name) => name.endsWith(".ts")).sort(),
      served,
    );
  }
});

/**
 * Requests with a message but without a handler. An entry must be removed together with the request
 * becoming supported.
 */
const NOT_SERVED_YET = ["AlterPartition"];

/** Files in `messages/` whose types are embedded in requests. */
const EMBEDDED_TYPES = ["consumer_protocol.ts", "default_principal_data.ts"];

test("every message is of a supported request, except exactly those in NOT_SERVED_YET", () => {
  const supported = SERVED.flatMap(({ handlers }) => handlers.map(({ api }) => api.name));
  const expected = [...new Set(supported), ...NOT_SERVED_YET].map((name) =>
    `${snakeCase(name)}.ts`
  );
  assertEquals(namesIn("src/protocol/messages").sort(), [...expected, ...EMBEDDED_TYPES].sort());
});

test("docs/architecture.md lists the folders of src/ in the order of their imports", () => {
  const page = readText("docs/architecture.md");
  const listed = [...page.matchAll(/^\| `(\w+)\/` +\|/gm)].map(([, name]) => name!);
  assertEquals(listed.toSorted(), Object.keys(MAY_IMPORT).sort());
  const wrong = Object.entries(MAY_IMPORT).flatMap(([folder, targets]) =>
    targets.filter((target) => listed.indexOf(target) >= listed.indexOf(folder))
      .map((target) => `${target} must stand above ${folder}`)
  );
  assertEquals(wrong, []);
});

/** Expressions to avoid: the subject of a sentence is a thing in the code. */
const AVOIDED = /unless told|\b(is|are) told|made anew|\bwhoever\b|\bnobody\b|\bsomebody\b/i;

test("comments and strings name things instead of people", () => {
  const found = ["src", "cli"]
    .flatMap((place) => modules(place).map(({ path }) => path))
    // A sentence may go on in the next line of a comment, or in the next part of a text.
    .map((path) =>
      [path, readText(path).replace(/["`]? ?\+?\n\s*(\*|\/\/)?\s*["`]?/g, " ")] as const
    )
    .flatMap(([path, text]) => {
      const match = AVOIDED.exec(text);
      return match === null ? [] : [`${path}: ${match[0]}`];
    });
  assertEquals(found, []);
});
