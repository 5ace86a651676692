import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { Disk, DiskFile } from "../../src/io/types.ts";
import { writeWalAgain } from "../../src/store/copy/wal_file.ts";

/** The real disk, with a note of what is written and synced. */
function observed(seen: string[]): Disk {
  const disk = new DenoDisk();
  const observe = (file: DiskFile): DiskFile => ({
    path: file.path,
    write: (offset, bytes) => {
      seen.push(`write ${offset} ${bytes.length}`);
      return file.write(offset, bytes);
    },
    sync: () => {
      seen.push("sync");
      return file.sync();
    },
    read: (offset, length) => file.read(offset, length),
    size: () => file.size(),
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
  });
  return Object.assign(Object.create(disk), {
    open: async (path: string, options: { create: boolean }) =>
      observe(await disk.open(path, options)),
  });
}

Deno.test("writeWalAgain writes all that a WAL holds, as it was, and then syncs it", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/db.sqlite`;
  const bytes = new Uint8Array(2_500_000);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  await Deno.writeFile(`${path}-wal`, bytes);
  const seen: string[] = [];
  await writeWalAgain(observed(seen), path);
  assert.deepEqual(seen, [
    "write 0 1048576",
    "write 1048576 1048576",
    "write 2097152 402848",
    "sync",
  ]);
  assert.deepEqual(await Deno.readFile(`${path}-wal`), bytes);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeWalAgain leaves an empty WAL alone, and makes none", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/db.sqlite`;
  const seen: string[] = [];
  await writeWalAgain(observed(seen), path);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
  await Deno.writeFile(`${path}-wal`, new Uint8Array());
  await writeWalAgain(observed(seen), path);
  assert.deepEqual(seen, []);
  await Deno.remove(directory, { recursive: true });
});
