import { assertEquals } from "@std/assert";
import {
  acceptShortage,
  connectError,
  fileErrorOfCode,
  listenError,
} from "../../src/runtime/errors.ts";
import { openFileLimitIn, wholeLimit } from "../../src/runtime/open_file_limit.ts";
import { isDescriptorShortage } from "../../src/runtime/runtime.ts";
import { storageError } from "../../src/log/storage_error.ts";
import { test } from "../harness.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             127235               127235               processes
Max open files            1024                 1048576              files
Max locked memory         8388608              8388608              bytes
`;

test("openFileLimitIn() returns the soft limit, or undefined if there is none", () => {
  assertEquals(openFileLimitIn(LIMITS), 1_024);
  assertEquals(openFileLimitIn(LIMITS.replace("1024 ", "unlimited ")), undefined);
  assertEquals(openFileLimitIn(LIMITS.replace("open files", "sockets")), undefined);
  assertEquals(openFileLimitIn(""), undefined);
});

test("wholeLimit() returns undefined for an unlimited value", () => {
  assertEquals([256, 0, -1, 2 ** 63, Infinity, "unlimited", undefined].map(wholeLimit), [
    256,
    ...Array(6).fill(undefined),
  ]);
});

test("isDescriptorShortage() detects EMFILE and ENFILE of files and sockets at any depth of causes", () => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ["EMFILE", "ENFILE"]) {
    const file = fileErrorOfCode("open", "/data/f", code);
    const here = { host: "127.0.0.1", port: 9092 };
    for (
      const error of [
        file,
        storageError("Cannot flush events-0", storageError("Cannot sync", file)),
        connectError(here.host, here.port, system(code)),
        listenError(here.host, here.port, system(code)),
        acceptShortage(here, system(code)),
      ]
    ) assertEquals(isDescriptorShortage(error), true, String(error));
  }
  assertEquals(acceptShortage({ host: "", port: 1 }, system("ECONNABORTED")), null);
  for (
    const error of [
      fileErrorOfCode("open", "/data/f", "EIO"),
      connectError("127.0.0.1", 9092, system("ECONNREFUSED")),
      new Error("EMFILE"),
      null,
    ]
  ) assertEquals(isDescriptorShortage(error), false, String(error));
});
