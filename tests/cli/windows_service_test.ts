import { strict as assert } from "node:assert";
import { LogFile } from "../../src/cli/windows_service/log_file.ts";
import { windowsService } from "../../src/cli/windows_service/command.ts";
import { withDirectory } from "../directory.ts";

const encoder = new TextEncoder();

Deno.test("a service's log goes on in its file, and keeps one older file beside it", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/node.log`;
    const write = async (log: LogFile, text: string) => {
      assert.equal(await log.write(encoder.encode(text)), text.length);
    };
    const first = await LogFile.open(path, 10);
    await write(first, "one\n");
    const second = await LogFile.open(path, 10);
    await write(second, "two\n");
    await write(second, "three\n");
    assert.equal(await Deno.readTextFile(`${path}.1`), "one\ntwo\n");
    assert.equal(await Deno.readTextFile(path), "three\n");
    // A line that is longer than the bound stands alone.
    await write(second, "longer than the bound\n");
    await write(second, "four\n");
    assert.equal(await Deno.readTextFile(`${path}.1`), "longer than the bound\n");
    assert.equal(await Deno.readTextFile(path), "four\n");
    assert.equal([...Deno.readDirSync(directory)].length, 2);
    first.close();
    second.close();
  });
});

Deno.test("a service's log that cannot be written is an error that names it", async () => {
  await withDirectory(async (directory) => {
    await assert.rejects(
      LogFile.open(`${directory}/nowhere/node.log`),
      /Cannot write .*nowhere\/node\.log: /,
    );
  });
});

Deno.test("windows-service wants the whole path of its log, and Windows", async () => {
  await assert.rejects(windowsService([]), /needs the whole path of its log first, not nothing$/);
  await assert.rejects(windowsService(["node.log", "data"]), /first, not node\.log$/);
  if (Deno.build.os !== "windows") {
    await assert.rejects(windowsService(["/node.log", "/data"]), /This is no Windows/);
  }
});
