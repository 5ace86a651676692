import assert from "node:assert/strict";
import { DirectoryLockedError, lockDirectory } from "../../src/io/directory_lock.ts";
import { withDirectory } from "../directory.ts";

Deno.test("lockDirectory() holds a directory until released, and names the owner", () =>
  withDirectory(async (directory) => {
    const lock = await lockDirectory(directory);
    await assert.rejects(lockDirectory(directory), (error: Error) => {
      assert.ok(error instanceof DirectoryLockedError);
      assert.ok(error.message.includes(`process ${Deno.pid}`), error.message);
      assert.ok(error.message.includes(directory));
      return true;
    });
    lock.release();
    (await lockDirectory(directory)).release();
  }));

Deno.test("lockDirectory() gets the lock of a process that was killed", () =>
  withDirectory(async (directory) => {
    const module = new URL("../../src/io/directory_lock.ts", import.meta.url).href;
    const script = `const { lockDirectory } = await import("${module}");
      await lockDirectory(${JSON.stringify(directory)});
      console.log("locked");
      setInterval(() => {}, 1000);`;
    const args = ["eval", "--no-lock", script];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await assert.rejects(lockDirectory(directory), {
      name: "DirectoryLockedError",
      message: new RegExp(`process ${child.pid}`),
    });
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    (await lockDirectory(directory)).release();
  }));

Deno.test("lockDirectory() names a directory that is missing", async () => {
  await assert.rejects(lockDirectory("/missing-directory"), {
    name: "DiskError",
    kind: "not_found",
    message: /missing-directory/,
  });
});
