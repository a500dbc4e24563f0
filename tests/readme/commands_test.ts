import { assert, assertEquals } from "@std/assert";
import { startNode } from "../cli/node_process.ts";
import { test } from "../harness.ts";

test("the commands of README.md succeed and print what their comments say", async () => {
  const readme = await Deno.readTextFile("README.md");
  const [, block] = /```sh\n(echo "hello"[\s\S]*?)```/.exec(readme)!;
  const lines = block!.split("\n").filter((line) => /\bmillrace\b/.test(line));
  assert(lines.length >= 5, block);
  await using node = await startNode(["--memory"]);
  // The README's node has the default port, and its evaluations take longer than a test should.
  const prelude = `millrace() { ${Deno.execPath()} run -A cli/main.ts "$@" --port ${node.port}; }`;
  for (const line of lines) {
    const script = `${prelude}\n${line.replace("100000", "1000")}`;
    const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script] })
      .output();
    assert(success, `${line}: ${new TextDecoder().decode(stderr)}`);
    const expected = /# prints (.*)$/.exec(line)?.[1];
    if (expected !== undefined) {
      assertEquals(new TextDecoder().decode(stdout), `${expected}\n`);
    }
  }
});
