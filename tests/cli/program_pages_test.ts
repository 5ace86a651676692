import assert from "node:assert/strict";
import { programPages } from "../../src/cli/program_pages.ts";

const path = "/opt/raft lite/raftlite";

/** As Linux writes it, but for figures that nobody here reads. */
function mapping(
  range: string,
  rights: string,
  file: string,
  { writtenKilobytes = 0, swappedKilobytes = 0 } = {},
): string {
  return [
    `${range} ${rights} 00000000 fe:00 9987257                    ${file}`,
    "Rss:               17280 kB",
    `Anonymous:         ${kilobytes(writtenKilobytes)}`,
    `Swap:              ${kilobytes(swappedKilobytes)}`,
    "VmFlags: rd mr mw me sd ",
    "",
  ].join("\n");
}

function kilobytes(count: number): string {
  return `${`${count}`.padStart(5)} kB`;
}

Deno.test("programPages finds what was not written to of the program's file", () => {
  const smaps = [
    mapping("55a32c9a2000-55a32e746000", "r--p", path),
    mapping("55a32e747000-55a331678000", "r-xp", path),
    mapping("55a331678000-55a331836000", "r--p", path, { writtenKilobytes: 1784 }),
    mapping("7fac1fdc0000-7fac1ffc1000", "r-xp", path),
  ].join("");
  assert.deepEqual(programPages(smaps, path), [
    { start: 0x55a32c9a2000n, bytes: 0x1da4000n },
    { start: 0x55a32e747000n, bytes: 0x2f31000n },
  ]);
});

Deno.test("programPages leaves out other files, memory of no file, and all behind what can be written to", () => {
  const other = mapping("400000-500000", "r-xp", "/lib/libc.so.6");
  const none = mapping("500000-600000", "r-xp", "");
  const writable = mapping("600000-700000", "rw-p", path);
  const swapped = mapping("600000-700000", "r--p", path, { swappedKilobytes: 1784 });
  const shared = mapping("600000-700000", "r--s", path);
  const own = mapping("700000-800000", "r-xp", path);
  assert.deepEqual(programPages(other + none + own, path), [{
    start: 0x700000n,
    bytes: 0x100000n,
  }]);
  assert.deepEqual(programPages(writable + own, path), []);
  assert.deepEqual(programPages(shared + own, path), []);
  assert.deepEqual(programPages(swapped + own, path), []);
  assert.deepEqual(programPages("", path), []);
});

Deno.test({
  name: "programPages reads what this system says of this process",
  ignore: Deno.build.os !== "linux",
  fn() {
    const own = Deno.readLinkSync("/proc/self/exe");
    const pages = programPages(Deno.readTextFileSync("/proc/self/smaps"), own);
    assert.ok(pages.length > 0);
    for (const { bytes } of pages) assert.ok(bytes > 0n);
  },
});
