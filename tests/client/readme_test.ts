import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { Cluster } from "../cluster/harness.ts";
import { codeBlocks, withNodes } from "../docs/code_blocks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("The examples in the client's README run, one after the other, and print what they say", async () => {
  await using cluster = await Cluster.start({ flags: ["-changes-size", "16MiB"] });
  const blocks = codeBlocks(await Deno.readTextFile(`${root}client/README.md`), "ts");
  assert(blocks.length > 5);
  const program = withNodes(
    blocks.map(({ code }) => code).join("\n"),
    cluster.nodes.map(({ url }) => url),
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--check", "--config", `${root}deno.json`, "--ext=ts", program],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  assert.deepEqual(decoder.decode(stdout).split("\n").slice(0, -1), [
    "fiona",
    "[ { id: 2 } ] [ [ 2 ] ]",
    "90",
    "[ [ 4 ] ]",
    "niamh string",
    '[ { name: "niamh" } ] true',
  ]);
});
