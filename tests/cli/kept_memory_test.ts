import assert from "node:assert/strict";
import { keepLittleMemory } from "../../src/cli/kept_memory.ts";
import { ownMemory } from "../../src/cli/memory_trim.ts";
import { openCLibrary } from "../../src/io/c_library.ts";

const mebibyte = 1024 * 1024;

Deno.test("keepLittleMemory leaves nothing of large blocks behind that were freed before", () => {
  const memory = ownMemory({ shrink: () => {} });
  const calls = openCLibrary({
    malloc: { parameters: ["usize"], result: "pointer" },
    memset: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
    free: { parameters: ["pointer"], result: "void" },
  });
  if (memory === undefined || calls === undefined) return;
  keepLittleMemory();
  const useAndFree = (bytes: number) => {
    const block = calls.malloc(BigInt(bytes));
    calls.memset(block, 1, BigInt(bytes));
    calls.free(block);
  };
  // By itself the C library takes this as the size of blocks to come, and would keep twice as much.
  useAndFree(31 * mebibyte);
  const before = memory.ownBytes();
  useAndFree(30 * mebibyte);
  assert.ok(memory.ownBytes() - before < 15 * mebibyte);
});
