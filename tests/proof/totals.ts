/**
 * What runs of the simulator, of chaos and of planted faults came to, in one small file: sums of runs
 * that happened. Each run adds its own with `--totals FILE`.
 */

/** How often something happened, by its name. */
export type Counts = Readonly<Record<string, number>>;

/** What became of a planted fault when it was last looked for. */
export interface PlantedTotal {
  /** How many seeds it took; undefined: it was not found. */
  readonly seed?: number;
  /** What was wrong there. */
  readonly by: string;
}

export interface Totals {
  /** By what ran: "simulate toy", "simulate sqlite", "chaos". */
  readonly sums: Readonly<Record<string, Counts>>;
  /** By the fault's name. */
  readonly planted: Readonly<Record<string, PlantedTotal>>;
}

export const noTotals: Totals = { sums: {}, planted: {} };

/** Both together; of a planted fault that both have, what the second one says. */
export function sumOf(one: Totals, other: Totals): Totals {
  const sums: Record<string, Counts> = { ...one.sums };
  for (const [what, counts] of Object.entries(other.sums)) {
    const sum: Record<string, number> = { ...sums[what] };
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
    sums[what] = sum;
  }
  return { sums, planted: { ...one.planted, ...other.planted } };
}

/** What the file has; nothing where there is none. Throws where it is something else. */
export async function readTotals(path: string): Promise<Totals> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return noTotals;
    throw error;
  }
  const found = text === "" ? noTotals : JSON.parse(text);
  if (typeof found.sums !== "object" || typeof found.planted !== "object") {
    throw new Error(`${path} has no totals in it`);
  }
  return found;
}

/** Adds to the file; runs that end at the same time wait for each other. */
export async function addTotals(path: string, added: Totals): Promise<void> {
  using file = await Deno.open(path, { create: true, read: true, write: true });
  await file.lock(true);
  const text = `${JSON.stringify(sumOf(await readTotals(path), added), undefined, 2)}\n`;
  // In place, as the lock is of this file; one write, so that a run that is killed leaves it whole.
  await file.seek(0, Deno.SeekMode.Start);
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
  await file.truncate(bytes.length);
}
