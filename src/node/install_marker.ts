import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { removeIfThere } from "../io/remove_if_there.ts";
import type { Disk } from "../io/types.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import type { CompactionPoint } from "../raft/types.ts";
import type { InstallMarker } from "./types.ts";

const fileName = "installing";

/**
 * The marker as the file `installing` of the log's directory: checksum u32 of what follows, index
 * and term (8 bytes each), the configuration there (32-bit length and bytes). A file that is not
 * whole was never finished, and nothing was swapped in.
 */
export class FileInstallMarker implements InstallMarker {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #path: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#path = `${directory}/${fileName}`;
  }

  async write(point: CompactionPoint): Promise<void> {
    const body = new ByteWriter();
    body.integer(point.index);
    body.integer(point.term);
    body.bytes(encodeConfiguration(point.configuration));
    const writer = new ByteWriter();
    writer.uint32(checksum(body.view()));
    writer.raw(body.view());
    const file = await this.#disk.open(this.#path, { create: true });
    try {
      await file.truncate(0);
      await file.write(0, writer.copy());
      await file.sync();
    } finally {
      file.close();
    }
    await this.#disk.syncDirectory(this.#directory);
  }

  /** What was being installed when the process ended; undefined when nothing was. */
  async read(): Promise<CompactionPoint | undefined> {
    if (!await this.#disk.exists(this.#path)) return undefined;
    const file = await this.#disk.open(this.#path, { create: false });
    try {
      return decode(await file.read(0, await file.size()));
    } finally {
      file.close();
    }
  }

  async clear(): Promise<void> {
    const wasThere = await removeIfThere(this.#disk, this.#path);
    if (wasThere) await this.#disk.syncDirectory(this.#directory);
  }
}

function decode(bytes: Uint8Array): CompactionPoint | undefined {
  try {
    const reader = new ByteReader(bytes);
    if (reader.uint32() !== checksum(bytes.subarray(4))) return undefined;
    const index = reader.integer();
    const term = reader.integer();
    const configuration = decodeConfiguration(reader.bytes());
    reader.end();
    return { index, term, configuration };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
