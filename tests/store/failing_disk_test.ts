import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { FailingDisk } from "./failing_disk.ts";

const child = fileURLToPath(new URL("./failing_disk_child.ts", import.meta.url));

interface Said {
  readonly storeFailed: string;
  readonly checkpoint: string;
  readonly write: string;
  readonly status: string;
  readonly lines: readonly string[];
}

async function run(disk: FailingDisk, ...args: readonly string[]): Promise<Said> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", child, ...args],
    env: disk.environment,
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The second is the writer's, which has the main thread's work on a machine that is too busy. */
const untrusted =
  /^Database \S+ (takes no more writes: it could not be synced: .*check the disk|cannot be written: .*SQLITE_IOERR_FSYNC.*Mend the disk)/;

const cases = [
  ["background", "db.sqlite-wal"],
  ["background", "db.sqlite"],
  ["compaction", "db.sqlite-wal"],
  ["compaction", "db.sqlite"],
  ["main thread", "db.sqlite-wal"],
  ["large", "db.sqlite-wal", "write-out-fails"],
  ["large", "db.sqlite", "write-out-fails"],
] as const;

for (const [whose, end, what = "sync-fails"] of cases) {
  Deno.test(`a failed sync of ${end} (${whose}, ${what}) ends what may be written and called durable`, async () => {
    await using disk = await FailingDisk.make();
    if (disk === undefined) return;
    const said = await run(disk, end, whose, what);
    assert.match(said.storeFailed, untrusted);
    assert.match(said.checkpoint, untrusted, "The next sync succeeds, and makes nothing durable");
    assert.match(said.write, untrusted);
    assert.equal(said.status, "done", "What merely asks is answered");
    assert.equal(said.lines.filter((line) => line.startsWith("ERROR")).length, 1, `${said.lines}`);
  });
}
