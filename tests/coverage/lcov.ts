/** How often something of a file was run: a line, or one way out of a branch. */
export interface FileCoverage {
  readonly path: string;
  /** Times run, by line. */
  readonly lines: ReadonlyMap<number, number>;
  /** Ways out of branches: each with its line, and whether it was ever taken. */
  readonly branches: readonly { readonly line: number; readonly taken: boolean }[];
}

/** Reads a report in LCOV's format: https://manpages.debian.org/geninfo */
export function readLcov(text: string): FileCoverage[] {
  return text.split("end_of_record").flatMap((record) => {
    const [, path] = /^SF:(.*)$/m.exec(record) ?? [];
    if (path === undefined) return [];
    const lines = new Map<number, number>();
    for (const [, line, count] of record.matchAll(/^DA:(\d+),(\d+)/gm)) {
      lines.set(Number(line), Number(count));
    }
    const branches = [...record.matchAll(/^BRDA:(\d+),\d+,\d+,(-|\d+)$/gm)].map(
      ([, line, count]) => ({ line: Number(line), taken: Number(count) > 0 }),
    );
    return [{ path, lines, branches }];
  });
}

/** Of so many, so many were run. */
export interface Share {
  readonly all: number;
  readonly run: number;
}

export function linesOf(files: readonly FileCoverage[]): Share {
  const counts = files.flatMap(({ lines }) => [...lines.values()]);
  return { all: counts.length, run: counts.filter((count) => count > 0).length };
}

export function branchesOf(files: readonly FileCoverage[]): Share {
  const branches = files.flatMap((file) => file.branches);
  return { all: branches.length, run: branches.filter(({ taken }) => taken).length };
}

/** The lines that were never run, in a row where they are: `3, 7-9`. */
export function missedLines({ lines }: FileCoverage): string {
  const spans: [number, number][] = [];
  let last: [number, number] | undefined;
  for (const [line, count] of [...lines].sort(([a], [b]) => a - b)) {
    if (count > 0) {
      last = undefined;
    } else if (last === undefined) {
      last = [line, line];
      spans.push(last);
    } else last[1] = line;
  }
  return spans.map(([from, to]) => from === to ? from : `${from}-${to}`).join(", ");
}

/** The lines of branches of which a way out was never taken, each as often as it has such: `3, 7, 7`. */
export function missedBranches({ branches }: FileCoverage): string {
  const missed = branches.filter(({ taken }) => !taken).map(({ line }) => line);
  return missed.sort((a, b) => a - b).join(", ");
}
