import assert from "node:assert/strict";
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
