import * as std from "npm:deno-std@1.4.0/assert/mod.js";
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;
