import { beginsWith } from "../base/bytes.ts";

/** What the head of a library must say to be one for a system. */
interface Format {
  readonly magic: readonly number[];
  /** Why a file with that magic is not one for this processor; undefined when it is. */
  readonly fault: (view: DataView) => string | undefined;
}

const otherProcessor = "it is a library for another processor";

/** Bytes that the checks below look at. */
const headBytes = 32;

const elf: Format = {
  magic: [0x7f, 0x45, 0x4c, 0x46],
  fault: (view) => {
    const sharedObject = 3;
    if (view.getUint16(16, true) !== sharedObject) return "it is no shared library";
    const machine = Deno.build.arch === "aarch64" ? 183 : 62;
    return view.getUint16(18, true) === machine ? undefined : otherProcessor;
  },
};

const machO: Format = {
  magic: [0xcf, 0xfa, 0xed, 0xfe],
  fault: (view) => {
    const processor = Deno.build.arch === "aarch64" ? 0x0100_000c : 0x0100_0007;
    return view.getUint32(4, true) === processor ? undefined : otherProcessor;
  },
};

/** Of several processors in one file. */
const fatMachO: Format = { magic: [0xca, 0xfe, 0xba, 0xbe], fault: () => undefined };

const portableExecutable: Format = { magic: [0x4d, 0x5a], fault: () => undefined };

const formats: readonly Format[] = [elf, machO, fatMachO, portableExecutable];

function formatsHere(): readonly Format[] {
  switch (Deno.build.os) {
    case "darwin":
      return [machO, fatMachO];
    case "windows":
      return [portableExecutable];
    default:
      return [elf];
  }
}

/** Why a file cannot be loaded as a library here, as its head tells; undefined when it may. */
export function libraryFault(bytes: Uint8Array): string | undefined {
  const format = formats.find(({ magic }) => beginsWith(bytes, magic));
  if (format === undefined || bytes.length < headBytes) return "it is no library";
  if (!formatsHere().includes(format)) return "it is a library for another system";
  return format.fault(new DataView(bytes.buffer, bytes.byteOffset, headBytes));
}

/** Of ELF for 64 bits: where the table of program headers is said to be, and of one what it maps. */
const elfHead = { tableOffset: 32, entrySize: 54, entryCount: 56, bytes: 64 };
const programHead = { offset: 8, fileSize: 32, bytes: 56 };

/**
 * Whether a library lacks a part of what it says to have: to load it would end the process. Known
 * of ELF only; other systems check that themselves.
 */
export function isCutShort(bytes: Uint8Array): boolean {
  if (!beginsWith(bytes, elf.magic)) return false;
  if (bytes.length < elfHead.bytes) return true;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tableOffset = Number(view.getBigUint64(elfHead.tableOffset, true));
  const entrySize = view.getUint16(elfHead.entrySize, true);
  for (let i = 0; i < view.getUint16(elfHead.entryCount, true); i++) {
    const at = tableOffset + i * entrySize;
    if (at + programHead.bytes > bytes.length) return true;
    const offset = Number(view.getBigUint64(at + programHead.offset, true));
    const fileSize = Number(view.getBigUint64(at + programHead.fileSize, true));
    if (offset + fileSize > bytes.length) return true;
  }
  return false;
}
