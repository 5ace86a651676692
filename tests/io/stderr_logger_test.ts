import assert from "node:assert/strict";
import { formatLogLine, StderrLogger } from "../../src/io/stderr_logger.ts";

const decoder = new TextDecoder();

Deno.test("formatLogLine() writes time, level, room and message on one line", () => {
  const line = formatLogLine({
    wallTime: Date.UTC(2026, 10, 23, 18),
    level: "INFO",
    room: "raft",
    message: "became\nleader",
  });
  assert.equal(line, "2026-11-23T18:00:00.000Z INFO  [raft] became\\nleader\n");
});

Deno.test("StderrLogger writes lines of its level and above in order, in parts if need be", async () => {
  let text = "";
  const logger = new StderrLogger("WARN", (bytes) => {
    const part = bytes.subarray(0, 10);
    text += decoder.decode(part);
    return Promise.resolve(part.length);
  });
  logger.log("INFO", "a", "hidden");
  logger.log("WARN", "a", "first");
  logger.log("ERROR", "b", "second");
  await logger.flush();
  assert.match(text, /^\S+ WARN {2}\[a\] first\n\S+ ERROR \[b\] second\n$/);
});

Deno.test("StderrLogger neither throws nor grows when nobody reads, and says what was lost", async () => {
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  let text = "";
  const logger = new StderrLogger("INFO", async (bytes) => {
    await blocked;
    text += decoder.decode(bytes);
    return bytes.length;
  });
  for (let i = 0; i < 3000; i++) logger.log("INFO", "a", "x".repeat(1000));
  release();
  while (!text.includes("log lines lost")) await Promise.resolve();
  assert.ok(text.length < 1_200_000, `${text.length} characters`);
});

Deno.test("StderrLogger goes on after its pipe broke", async () => {
  let calls = 0;
  const logger = new StderrLogger("INFO", () => {
    calls++;
    return Promise.reject(new Error("Broken pipe"));
  });
  logger.log("INFO", "a", "one");
  while (calls < 1) await Promise.resolve();
  logger.log("INFO", "a", "two");
  while (calls < 3) await Promise.resolve();
});
