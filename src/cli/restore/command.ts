import { resolve } from "node:path";
import type { CountBytes } from "../../backup/archive/base_copy.ts";
import { ArchiveError, type ArchivePlace } from "../../backup/archive/layout.ts";
import { ArchiveReader, type Inventory, type Range } from "../../backup/archive/reader.ts";
import type { Reached } from "../../backup/archive/point_in_time.ts";
import { restoreStore } from "../../backup/archive/restore.ts";
import { formatGoBytes } from "../../base/go_bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { DenoClock } from "../../io/deno_clock.ts";
import { DenoDisk } from "../../io/deno_disk.ts";
import { StderrLogger } from "../../io/stderr_logger.ts";
import type { Disk } from "../../io/types.ts";
import { partBytes } from "../../object_store/types.ts";
import type { PackedBackup } from "../../store/types.ts";
import { openArchive } from "../archive.ts";
import { extensionDirectory, prepareExtensions } from "../extensions.ts";
import { print, printError } from "../output.ts";
import { Progress } from "../shell/progress.ts";
import { openScratchStore } from "../scratch_store.ts";
import { parseRestore, type RestoreRequest } from "./flags.ts";

const page = `Usage: raftlite restore -from TARGET [-at TIME | -index N] FILE
       raftlite restore -from TARGET -list | -verify

Makes FILE, an ordinary SQLite database, as the cluster's was at a moment, from an archive (-archive).
FILE must not be there yet.

  -from TARGET   The archive: a directory, or a file as -archive takes it
  -at TIME       As it was at that time, such as 2026-11-29T09:30:00Z: up to the last write before it
  -index N       As it was behind entry N of the log, which answers show with ?raft_index
  -extensions-path, -extensions-safe   As the cluster's nodes have them
  -list          Show what the archive holds
  -verify        Read all of the archive, and say what is damaged or missing

Without -at and -index it is the newest that the archive has.
`;

/** raftlite restore: makes a database from an archive; resolves with the exit code. */
export async function restore(args: readonly string[]): Promise<number> {
  const request = parseRestore(args);
  if (request.type === "help") {
    print(page);
    return 0;
  }
  try {
    const place = await openArchive(request.from, new DenoClock());
    const code = request.type === "restore"
      ? await makeFile(place, request)
      : await show(place, request.type === "verify");
    place.store.close();
    return code;
  } catch (error) {
    printError(`fatal: ${messageOf(error)}\n`);
    return 1;
  }
}

async function show(place: ArchivePlace, whole: boolean): Promise<number> {
  const inventory = await (await ArchiveReader.open(place)).inventory(whole);
  print(`${inventoryLines(inventory).join("\n")}\n`);
  const { faults } = inventory;
  for (const fault of faults) printError(`fault: ${fault}\n`);
  if (whole && faults.length === 0) print("All of it is sound\n");
  return faults.length === 0 ? 0 : 1;
}

function inventoryLines({ cluster, bases, ranges }: Inventory): string[] {
  return [
    `archive of cluster ${cluster}`,
    ...bases.map(({ index, time, sizeBytes, sqlite }) =>
      `base copy  index ${index}  ${timeText(time)}  ${formatGoBytes(sizeBytes)}  SQLite ${sqlite}`
    ),
    ...ranges.map(rangeLine),
  ];
}

function rangeLine({ first, last, pieces, firstTime, lastTime }: Range): string {
  const times = `${timeText(firstTime)} to ${timeText(lastTime)}`;
  return `log  index ${first} to ${last}  ${times}  ${pieces} pieces`;
}

function timeText(time: number | undefined): string {
  return time === undefined ? "(no writes)" : new Date(time).toISOString();
}

/** Shows at a terminal how far the base copy is. */
const counted: CountBytes = async function* (body, { sizeBytes }) {
  const progress = new Progress("Base copy", sizeBytes);
  try {
    for await (const piece of body) {
      yield piece;
      progress.add(piece.length);
    }
  } finally {
    progress.end();
  }
};

async function makeFile(
  place: ArchivePlace,
  { point, output, extensions: flags }: Extract<RestoreRequest, { type: "restore" }>,
): Promise<number> {
  const disk = new DenoDisk();
  const path = resolve(output);
  if (await disk.exists(path)) throw new ArchiveError(`${path} is there already`);
  const directory = `${path}.restoring-${crypto.randomUUID().slice(0, 8)}`;
  await disk.makeDirectory(directory);
  try {
    const reader = await ArchiveReader.open(place);
    const logger = new StderrLogger("WARN");
    const extensions = await prepareExtensions(flags, {
      directory: extensionDirectory(directory),
      logger,
    });
    const openStore = (home: string) =>
      openScratchStore({ disk, logger, extensions, directory: home });
    const parts = { reader, point, disk, directory, openStore, counted };
    const reached = await restoreStore(parts, async (store, reached) => {
      const packed = await store.pack({ vacuum: false, compression: "none", journal: "delete" });
      await write(disk, packed, `${directory}/file`);
      return reached;
    });
    await disk.rename(`${directory}/file`, path);
    report(reached, path);
    return 0;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function write(disk: Disk, packed: PackedBackup, path: string): Promise<void> {
  const file = await disk.open(path, { create: true });
  try {
    for (let at = 0; at < packed.sizeBytes; at += partBytes) {
      await file.write(at, await packed.read(at, partBytes));
    }
    await file.sync();
  } finally {
    file.close();
    await packed.close();
  }
}

function report({ index, time, base, entriesApplied }: Reached, path: string): void {
  const last = time === undefined ? "" : `, whose last write is of ${timeText(time)}`;
  print(
    `${path}: index ${index}${last} (base copy at ${base.index}, ${entriesApplied} entries applied)\n`,
  );
}
