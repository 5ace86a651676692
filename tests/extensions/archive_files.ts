import { create } from "tar";
import { crc32, deflateRawSync } from "node:zlib";
import { joinBytes } from "../../src/base/bytes.ts";

export interface Content {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of Unix, with the type; default a plain file. */
  readonly mode?: number;
}

/** A zip file, with what its writer says of each file as it is, or not. */
export function zip(files: readonly Content[], lie: { readonly crc?: number } = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes, mode = 0o100644 } of files) {
    const path = new TextEncoder().encode(name);
    const packed = deflateRawSync(bytes);
    const sum = lie.crc ?? crc32(bytes);
    const local = header(30, [
      [0, 4, 0x0403_4b50],
      [4, 2, 20],
      [8, 2, 8],
      [14, 4, sum],
      [18, 4, packed.length],
      [22, 4, bytes.length],
      [26, 2, path.length],
    ]);
    directory.push(
      header(46, [
        [0, 4, 0x0201_4b50],
        [4, 2, 0x0314],
        [6, 2, 20],
        [10, 2, 8],
        [16, 4, sum],
        [20, 4, packed.length],
        [24, 4, bytes.length],
        [28, 2, path.length],
        [38, 4, mode * 0x1_0000],
        [42, 4, at],
      ]),
      path,
    );
    parts.push(local, path, packed);
    at += local.length + path.length + packed.length;
  }
  const listed = joinBytes(directory);
  const end = header(22, [
    [0, 4, 0x0605_4b50],
    [8, 2, files.length],
    [10, 2, files.length],
    [12, 4, listed.length],
    [16, 4, at],
  ]);
  return joinBytes([...parts, listed, end]);
}

type Field = readonly [offset: number, size: 2 | 4, value: number];

function header(length: number, fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [offset, size, value] of fields) {
    if (size === 2) view.setUint16(offset, value, true);
    else view.setUint32(offset, value >>> 0, true);
  }
  return bytes;
}

/** A gzipped tar file of what lies in a directory, under names as they are given. */
export async function tarGz(directory: string, names: readonly string[], path: string) {
  await create({ cwd: directory, gzip: true, file: path }, [...names]);
}
