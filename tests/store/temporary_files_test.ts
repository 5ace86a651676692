import assert from "node:assert/strict";
import { DiskError } from "../../src/io/types.ts";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { silent } from "./fixture.ts";

Deno.test("TemporaryFiles.end leaves no file that was being made", async () => {
  const disk = new SimulatedDisk({ seed: 1n }).mount();
  const mayOpen = Promise.withResolvers<void>();
  const slow: typeof disk = {
    ...disk,
    open: async (path, options) => {
      await mayOpen.promise;
      return await disk.open(path, options);
    },
  };
  const temporaries = new TemporaryFiles({
    disk: slow,
    logger: silent,
    databasePath: "/db.sqlite",
  });
  const file = temporaries.make("answer");
  const opened = file.open({ create: true });
  const ended = temporaries.end();
  mayOpen.resolve();
  const handle = await opened;
  await ended;
  assert.deepEqual(await disk.list("/"), []);
  await assert.rejects(handle.write(0, new Uint8Array(1)));
  await assert.rejects(file.open({ create: true }), /is removed/);
});

Deno.test("TemporaryFile.remove() does not fail where the disk does, and says what is left there", async () => {
  const disk = new SimulatedDisk({ seed: 1n }).mount();
  const lines: string[] = [];
  const temporaries = new TemporaryFiles({
    disk: {
      ...disk,
      open: (path, options) => disk.open(path, options),
      remove: (path) => Promise.reject(new DiskError("failed", path, `${path}: no such device`)),
    },
    logger: { log: (level, _, text) => lines.push(`${level} ${text}`) },
    databasePath: "/db.sqlite",
    limits: { backup: 1 },
  });
  const file = temporaries.make("backup");
  (await file.open({ create: true })).close();
  assert.throws(
    () => temporaries.make("backup"),
    /Too many temporary files: 1 \(backup\) are kept/,
  );
  await Promise.all([file.remove(), file.remove()]);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^WARN .*no such device; the next start of the node removes it$/);
  // It counts no more: what cannot be removed is not to stop all backups.
  temporaries.make("backup");
});

Deno.test("TemporaryFiles.removeLeftovers() removes what an earlier run has left, and nothing else", async () => {
  const disk = new SimulatedDisk({ seed: 1n }).mount();
  await disk.makeDirectory("/data");
  for (
    const name of ["db.sqlite", "db.sqlite.tmp-backup-1", "db.sqlite.tmp-backup-1-wal", "other"]
  ) {
    (await disk.open(`/data/${name}`, { create: true })).close();
  }
  const parts = { disk, logger: silent, databasePath: "/data/db.sqlite" };
  await new TemporaryFiles(parts).removeLeftovers();
  assert.deepEqual((await disk.list("/data")).sort(), ["db.sqlite", "other"]);
});
