import { createHash } from "node:crypto";
import { sameBytes } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import type { Logger } from "../io/types.ts";
import type { ExtensionFile } from "../sqlite/extensions.ts";
import { archiveKind } from "./archive_kind.ts";
import type { ArchivedFile } from "./archives.ts";
import { isCutShort, libraryFault } from "./library_file.ts";

/** Of all that is given, unpacked. */
const bytesMaxDefault = 256 * 1024 * 1024;
/** Nodes tell each other of all of them at every connection. */
const filesMax = 32;
const nameLengthMax = 64;
const plainName = /^\w[\w.+-]*$/;

/** A library that was found; where it came from is for messages. */
interface Found {
  readonly name: string;
  readonly from: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What can be wrong with -extensions-path; the message says which path. */
export class ExtensionPathError extends Error {
  override name = "ExtensionPathError";
}

/**
 * Copies the libraries that `paths` name into `directory`, where nothing else is then: files,
 * directories (of which subdirectories and names with a dot in front are passed over), zip files and
 * gzipped tar files. What is no library for this machine is left out with a warning. The order is
 * that of their names, on every node.
 */
export async function gatherExtensions(
  paths: readonly string[],
  { directory, logger, bytesMax = bytesMaxDefault }: {
    readonly directory: string;
    readonly logger: Logger;
    readonly bytesMax?: number;
  },
): Promise<ExtensionFile[]> {
  const found = new Map<string, Found>();
  let left = bytesMax;
  for (const path of paths) {
    for (const { name, bytes } of await filesAt(path, left)) {
      const fault = bytes === undefined ? "it is no plain file" : libraryFault(bytes);
      if (fault !== undefined || bytes === undefined) {
        const shown = plainName.test(name) ? name : JSON.stringify(name);
        logger.log("WARN", "extensions", `${shown} of ${path} is left out: ${fault}`);
        continue;
      }
      if (isCutShort(bytes)) {
        throw new ExtensionPathError(`Extension ${name} of ${path} is cut short: copy it again`);
      }
      left -= bytes.length;
      add(found, { name, from: path, bytes });
    }
  }
  if (found.size > filesMax) {
    throw new ExtensionPathError(`${found.size} extensions are given, ${filesMax} may be`);
  }
  const names = [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return await putInto(directory, names);
}

/** Throws for a name that another file has had: which one counts must not hang on an order. */
function add(found: Map<string, Found>, file: Found): void {
  const { name, from, bytes } = file;
  if (!plainName.test(name) || name.length > nameLengthMax) {
    throw new ExtensionPathError(
      `Extension ${JSON.stringify(name)} of ${from} needs a name of letters, digits, dots and ` +
        `dashes, ${nameLengthMax} at most`,
    );
  }
  const key = name.toLowerCase();
  const other = found.get(key);
  if (other !== undefined && !sameBytes(other.bytes, bytes)) {
    throw new ExtensionPathError(
      `Extension ${name} of ${from} is another than that of ${other.from}`,
    );
  }
  found.set(key, file);
}

async function filesAt(path: string, bytesLeft: number): Promise<ArchivedFile[]> {
  const { isDirectory, isFile, size } = await Deno.stat(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw cannotRead(path, error);
    throw new ExtensionPathError(`extension path does not exist: ${path}`);
  });
  if (isDirectory) return await filesIn(path, bytesLeft);
  if (!isFile) throw cannotRead(path, new Error("it is no file"));
  const bytes = await read(path, size, bytesLeft);
  const kind = archiveKind(bytes);
  if (kind === undefined) return [{ name: baseName(path), bytes }];
  // Few have archives: the libraries that read them are loaded for those.
  const { unpackArchive } = await import("./archives.ts");
  try {
    const files = await unpackArchive(kind, bytes, bytesLeft);
    return files.filter(({ name }) => !name.startsWith("."));
  } catch (error) {
    throw new ExtensionPathError(
      `failed to load extensions from ${kind} file: ${messageOf(error)} (${path})`,
      { cause: error },
    );
  }
}

async function filesIn(directory: string, bytesLeft: number): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  let left = bytesLeft;
  for (const { name } of await Array.fromAsync(Deno.readDir(directory))) {
    const path = `${directory}/${name}`;
    if (name.startsWith(".")) continue;
    // A link to a file is as good as one.
    const { isFile, size } = await Deno.stat(path).catch((error) => {
      throw cannotRead(path, error);
    });
    if (!isFile) continue;
    const bytes = await read(path, size, left);
    left -= bytes.length;
    files.push({ name, bytes });
  }
  return files;
}

async function read(
  path: string,
  size: number,
  bytesLeft: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (size > bytesLeft) throw new Error("it is too large: all together have a bound");
    return await Deno.readFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(path: string, error: unknown): ExtensionPathError {
  const message = `Extension path ${path} cannot be read: ${messageOf(error)}`;
  return new ExtensionPathError(message, { cause: error });
}

function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

/** Everything was read before: `directory` may be among the paths. */
async function putInto(directory: string, found: readonly Found[]): Promise<ExtensionFile[]> {
  await removeExtensions(directory);
  if (found.length === 0) return [];
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const files: ExtensionFile[] = [];
  for (const { name, bytes } of found) {
    const path = `${directory}/${name}`;
    await Deno.writeFile(path, bytes, { createNew: true, mode: 0o600 });
    files.push({ name, path, sha256: sha256Of(bytes) });
  }
  return files;
}

/** Removes what an earlier start has put there. */
export async function removeExtensions(directory: string): Promise<void> {
  try {
    await Deno.remove(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What an earlier start has put there, by name; none where there is no such directory. */
export async function extensionsIn(
  directory: string,
): Promise<Pick<ExtensionFile, "name" | "sha256">[]> {
  try {
    const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
    return await Promise.all(
      names.toSorted().map(async (name) => {
        return { name, sha256: sha256Of(await Deno.readFile(`${directory}/${name}`)) };
      }),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw cannotRead(directory, error);
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
