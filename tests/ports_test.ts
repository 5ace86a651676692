import assert from "node:assert/strict";
import { takePort } from "./ports.ts";

const count = 60;
const program = `import { takePort } from ${
  JSON.stringify(new URL("./ports.ts", import.meta.url).href)
};
console.log(JSON.stringify(Array.from({ length: ${count} }, takePort)));
await Deno.stdin.read(new Uint8Array(1));`;

Deno.test("processes and threads that take ports at a time get others each", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program);
  const children = Array.from({ length: 4 }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", file],
      stdin: "piped",
      stdout: "piped",
    }).spawn());
  try {
    const taken = Array.from({ length: count }, takePort);
    for (const { stdout } of children) {
      const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
      let line = "";
      while (!line.endsWith("\n")) {
        const { value, done } = await reader.read();
        assert.ok(!done, "a process ended before it told its ports");
        line += value;
      }
      taken.push(...JSON.parse(line));
      await reader.cancel();
    }
    assert.equal(new Set(taken).size, (children.length + 1) * count);
    assert.ok(taken.every((port) => port >= 10_240 && port < 32_768));
  } finally {
    for (const child of children) {
      await child.stdin.close();
      await child.status;
    }
    await Deno.remove(file);
  }
});

Deno.test("a port that something listens on is not handed out, one let go comes again", () => {
  const first = takePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: first });
  const seen = new Set(Array.from({ length: 300 }, takePort));
  assert.ok(!seen.has(first));
  listener.close();
  for (let i = 0; i < 300; i++) seen.add(takePort());
  assert.ok(seen.has(first));
});
