import { assertEquals } from "@std/assert";
import { re2SyntaxError } from "../../src/broker/re2_syntax.ts";
import { test } from "../harness.ts";

// RE2/J 1.8, which Apache Kafka uses, accepts and rejects the same.
const VALID = [
  ...["payments-.*", "", "a|b|", "(a|b)*", "a*?", "a{2}", "a{0,}?", "a{1000}", "(a{100}){11}"],
  ...["a{,3}", "a{01}", "{", "x{", "a{9"],
];
const VALID_GROUPS = [
  "()",
  "()*",
  "(?:a)",
  "(?i)a",
  "a(?i)*",
  "(?i-s:a)",
  "(?)",
  "(?P<n>a)(?<m>b)",
];
const VALID_CLASSES = ["[]a]", "[^]]", "[a-]", "[-a]", "[\\d-z]", "[[:alpha:][:^digit:]]", "[[:a]"];
const VALID_ESCAPES = [
  ...[
    "\\d\\W",
    "\\pL\\P{^Lu}",
    "\\p{Greek}",
    "\\x41\\x{10FFFF}",
    "\\0\\12",
    "\\Aa\\b\\z",
    "\\_\\.",
  ],
  ...["\\Q(*\\E+", "\\Q(", "\\Q", "^*", "$+"],
];

test("re2SyntaxError() accepts what RE2 accepts", () => {
  for (const pattern of [...VALID, ...VALID_GROUPS, ...VALID_CLASSES, ...VALID_ESCAPES]) {
    assertEquals(re2SyntaxError(pattern), null, pattern);
  }
});

test("re2SyntaxError() rejects what RE2 rejects", () => {
  const invalid = [
    ...["(", ")", "a)", "(a", "*", "|*", "(*)", "(?i)*", "{2}", "\\Q\\E*"],
    ...["a**", "a*+", "a*??", "a{2}{3}", "a{1001}", "a{3,2}", "a{9999999999}", "{?"],
    ...["[", "[]", "[a", "[z-a]", "[a-\\d]", "[[:nope:]]", "[[:]", "[\\"],
    ...["\\", "\\1", "\\8", "\\y", "\\Z", "\\C", "\\x", "\\x4", "\\x{", "\\x{}", "\\x{110000}"],
    ...["\\p", "\\p{", "\\p{Nope}", "\\pX", "\\k<n>"],
    ...[
      "(?",
      "(?=a)",
      "(?!a)",
      "(?<=a)",
      "(?<!a)",
      "(?>a)",
      "(?x)a",
      "(?-)a",
      "(?i-)a",
      "(?i--s)a",
    ],
    ...["(?P<>a)", "(?P<a b>c)", "(?P<n", "(?P=n)", "(?P<n>a)(?P<n>b)"],
  ];
  for (const pattern of invalid) {
    assertEquals(re2SyntaxError(pattern) !== null, true, pattern);
  }
});

test("re2SyntaxError() rejects groups that nest beyond its bound", () => {
  assertEquals(re2SyntaxError("(".repeat(500) + ")".repeat(500)), null);
  assertEquals(re2SyntaxError("(".repeat(30_000)), "expression nests too deeply");
});
