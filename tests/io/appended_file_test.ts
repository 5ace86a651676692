import { strict as assert } from "node:assert";
import { AppendedFile } from "../../src/io/appended_file.ts";
import { Mount } from "../cluster/mount.ts";
import { withDirectory } from "../directory.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("AppendedFile adds to what is there, in a file of its owner's, and begins a new one when told", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.log`;
    const file = new AppendedFile(path);
    await file.write(bytes("1\n"));
    const { mode } = await Deno.stat(path);
    if (Deno.build.os !== "windows") assert.equal((mode ?? 0) & 0o777, 0o600);
    await Deno.rename(path, `${path}.1`);
    await file.write(bytes("2\n"));
    file.reopen();
    await file.write(bytes("3\n"));
    file.close();
    assert.equal(await Deno.readTextFile(`${path}.1`), "1\n2\n");
    const another = new AppendedFile(path);
    await another.write(bytes("4\n"));
    another.close();
    assert.equal(await Deno.readTextFile(path), "3\n4\n");
  }));

Deno.test("AppendedFile names a file that it cannot write, and goes on when it can", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/away/a.log`;
    const file = new AppendedFile(path);
    await assert.rejects(
      file.write(bytes("1\n")),
      (error: Error) => error.message.startsWith(`Cannot write ${path}: `),
    );
    await Deno.mkdir(`${directory}/away`);
    await file.write(bytes("1\n"));
    file.close();
    assert.equal(await Deno.readTextFile(path), "1\n");
  }));

Deno.test("AppendedFile leaves nothing half on a disk that is full", () =>
  withDirectory(async (directory) => {
    await using mount = await Mount.tmpfs(`${directory}/small`, 16 * 1024);
    if (mount === undefined) return;
    const path = `${directory}/small/a.log`;
    const file = new AppendedFile(path);
    await file.write(bytes("first\n"));
    await assert.rejects(file.write(bytes("x".repeat(64 * 1024))), /No space left/);
    assert.equal(await Deno.readTextFile(path), "first\n");
    await file.write(bytes("second\n"));
    file.close();
    assert.equal(await Deno.readTextFile(path), "first\nsecond\n");
  }));
