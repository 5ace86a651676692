import { type CheckedBackup, DamagedBackupError, type PackedBackup } from "../types.ts";
import type { CopyResults } from "./copy_thread.ts";
import { readFile } from "./snapshot_body.ts";
import type { TemporaryFiles } from "./temporary_files.ts";

/** Has a packed backup made, in a file that the result owns. */
export async function packBackup(
  temporaries: TemporaryFiles,
  run: (plain: string, target: string) => Promise<CopyResults["pack"]>,
): Promise<PackedBackup> {
  const plain = temporaries.make("pack");
  try {
    const packed = temporaries.make("pack");
    try {
      const sums = await run(plain.path, packed.path);
      const file = await packed.open({ create: false });
      return {
        ...sums,
        read: (offset, length) => file.read(offset, length),
        close: () => packed.remove(),
      };
    } catch (error) {
      await packed.remove();
      throw error;
    }
  } finally {
    await plain.remove();
  }
}

/** Takes a backup into a file and has it checked; the result owns the file of what was in it. */
export async function checkBackup(
  temporaries: TemporaryFiles,
  body: AsyncIterable<Uint8Array>,
  run: (path: string, target: string) => Promise<CopyResults["restore"]>,
): Promise<CheckedBackup> {
  const received = temporaries.make("restore");
  try {
    const unpacked = temporaries.make("restore");
    try {
      const into = await received.open({ create: true });
      let size = 0;
      for await (const piece of body) {
        await into.write(size, piece);
        size += piece.length;
      }
      received.close();
      const result = await run(received.path, unpacked.path);
      if ("damage" in result) throw new DamagedBackupError(result.damage);
      const [kept, other] = result.path === unpacked.path
        ? [unpacked, received]
        : [received, unpacked];
      await other.remove();
      const file = await kept.open({ create: false });
      const { sizeBytes, contentSha256 } = result;
      return {
        sizeBytes,
        contentSha256,
        body: () => readFile(file, sizeBytes),
        close: () => kept.remove(),
      };
    } catch (error) {
      await unpacked.remove();
      throw error;
    }
  } catch (error) {
    await received.remove();
    throw error;
  }
}
