import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { Disk } from "../../src/io/types.ts";
import { DirectoryDisk } from "../simulation/directory_disk.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { withDirectory } from "../directory.ts";

type WithDisk = (test: (disk: Disk, directory: string) => Promise<void>) => Promise<void>;

const implementations: Record<string, WithDisk> = {
  DenoDisk: (test) => withDirectory((directory) => test(new DenoDisk(), directory)),
  DirectoryDisk: (test) =>
    withDirectory(async (directory) => {
      const disk = new DirectoryDisk(() => Promise.resolve());
      await test(disk, directory);
      disk.closeAll();
    }),
  SimulatedDisk: async (test) => {
    const disk = new SimulatedDisk({ seed: 1n }).mount();
    await disk.makeDirectory("/data");
    await test(disk, "/data");
  },
};

const bytes = (...values: number[]) => new Uint8Array(values);

for (const [name, withDisk] of Object.entries(implementations)) {
  Deno.test(`${name} writes at any offset and reads back, short only at the end`, () =>
    withDisk(async (disk, directory) => {
      const file = await disk.open(`${directory}/a`, { create: true });
      await file.write(0, bytes(1, 2, 3));
      await file.write(5, bytes(9));
      await file.write(1, bytes(7));
      await file.sync();
      assert.deepEqual([...await file.read(0, 100)], [1, 7, 3, 0, 0, 9]);
      assert.deepEqual([...await file.read(1, 2)], [7, 3]);
      assert.deepEqual([...await file.read(6, 2)], []);
      assert.equal(await file.size(), 6);
      file.close();
    }));

  Deno.test(`${name} carries out the calls of one file in their order`, () =>
    withDisk(async (disk, directory) => {
      const file = await disk.open(`${directory}/a`, { create: true });
      const calls = Array.from({ length: 20 }, (_, i) => file.write(i, bytes(i)));
      await Promise.all([...calls, file.sync()]);
      assert.deepEqual([...await file.read(0, 20)], Array.from({ length: 20 }, (_, i) => i));
      file.close();
    }));

  Deno.test(`${name} truncates shorter and longer`, () =>
    withDisk(async (disk, directory) => {
      const file = await disk.open(`${directory}/a`, { create: true });
      await file.write(0, bytes(1, 2, 3, 4));
      await file.truncate(2);
      await file.truncate(3);
      await file.sync();
      assert.deepEqual([...await file.read(0, 9)], [1, 2, 0]);
      file.close();
    }));

  Deno.test(`${name} refuses calls on a closed file and finishes those before`, () =>
    withDisk(async (disk, directory) => {
      const file = await disk.open(`${directory}/a`, { create: true });
      const written = file.write(0, bytes(1));
      file.close();
      await written;
      await assert.rejects(file.write(0, bytes(1)), { name: "DiskError", kind: "failed" });
      await assert.rejects(file.read(0, 1), { name: "DiskError", kind: "failed" });
    }));

  Deno.test(`${name} lists, renames over, removes and finds names`, () =>
    withDisk(async (disk, directory) => {
      for (const file of ["b", "a", "c"]) {
        (await disk.open(`${directory}/${file}`, { create: true })).close();
      }
      assert.deepEqual(await disk.list(directory), ["a", "b", "c"]);
      await disk.rename(`${directory}/a`, `${directory}/b`);
      await disk.remove(`${directory}/c`);
      await disk.syncDirectory(directory);
      assert.deepEqual(await disk.list(directory), ["b"]);
      assert.equal(await disk.exists(`${directory}/b`), true);
      assert.equal(await disk.exists(`${directory}/a`), false);
    }));

  Deno.test(`${name} gives a file another name, under which it stays`, () =>
    withDisk(async (disk, directory) => {
      const first = `${directory}/first`;
      const other = `${directory}/other`;
      const next = `${directory}/next`;
      const write = async (path: string, byte: number) => {
        const file = await disk.open(path, { create: true });
        await file.write(0, bytes(byte));
        file.close();
      };
      const read = async (path: string) => {
        const file = await disk.open(path, { create: false });
        const content = await file.read(0, 9);
        file.close();
        return [...content];
      };
      await write(first, 1);
      await write(next, 2);
      await disk.link(first, other);
      await write(first, 3);
      assert.deepEqual(await read(other), [3]);
      await disk.rename(next, first);
      assert.deepEqual([await read(first), await read(other)], [[2], [3]]);
      await disk.remove(other);
      assert.deepEqual(await disk.list(directory), ["first"]);
    }));

  Deno.test(`${name} makes directories and finds them`, () =>
    withDisk(async (disk, directory) => {
      await disk.makeDirectory(`${directory}/inner`);
      await disk.makeDirectory(`${directory}/inner`);
      assert.equal(await disk.exists(`${directory}/inner`), true);
      assert.deepEqual(await disk.list(`${directory}/inner`), []);
    }));

  Deno.test(`${name} says "not_found" and the path of a missing file`, () =>
    withDisk(async (disk, directory) => {
      const path = `${directory}/missing`;
      const missing = { name: "DiskError", kind: "not_found", path, message: /missing/ };
      await assert.rejects(disk.open(path, { create: false }), missing);
      await assert.rejects(disk.remove(path), missing);
      await assert.rejects(disk.list(path), missing);
      await assert.rejects(disk.rename(path, `${directory}/x`), missing);
      await assert.rejects(disk.link(path, `${directory}/x`), missing);
    }));
}
