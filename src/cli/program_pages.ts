/** Pages of memory, as Linux tells of them in /proc/self/smaps. */
export interface Pages {
  readonly start: bigint;
  readonly bytes: bigint;
}

/**
 * The pages that a process has of its program's file, at `path`, and has not written to: code and
 * constants, which the system reads from the file again when they are wanted. Where the file is in
 * memory once more, as V8 has its builtins beside each heap, those pages can go with their heap, and
 * are left out: they lie behind what was written to of the program itself.
 */
export function programPages(smaps: string, path: string): Pages[] {
  const pages: Pages[] = [];
  for (const mapping of smaps.split(/^(?=[\da-f]+-[\da-f]+ )/m)) {
    const [, start, end, rights, file] =
      /^([\da-f]+)-([\da-f]+) (\S+) \S+ \S+ \d+ +(.+)\n/.exec(mapping) ?? [];
    if (file !== path) continue;
    if (!/^r-.p$/.test(`${rights}`) || isWritten(mapping)) break;
    const first = BigInt(`0x${start}`);
    pages.push({ start: first, bytes: BigInt(`0x${end}`) - first });
  }
  return pages;
}

/** What was written to may also have gone to the swap, which madvise would drop with it. */
function isWritten(mapping: string): boolean {
  return !/^Anonymous: +0 kB$/m.test(mapping) || !/^Swap: +0 kB$/m.test(mapping);
}
