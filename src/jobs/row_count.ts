import type { ComparedMember } from "../cluster/types.ts";
import type { RowChunk } from "../store/types.ts";

/** Chunks of a table of which the rows are looked at, of each copy. */
const chunksMax = 64;

/**
 * In how many rows a table of two copies differs: those of which one has what the other has not.
 * Undefined where too much differs to be counted.
 */
export async function differingRows(
  table: string,
  id: string,
  [one, other]: readonly [ComparedMember, ComparedMember],
): Promise<number | undefined> {
  const [ones, others] = await Promise.all([one.chunks(id, table), other.chunks(id, table)]);
  const [onesRows, othersRows] = await Promise.all([
    rowsOf(one, { table, id, chunks: ones, but: others }),
    rowsOf(other, { table, id, chunks: others, but: ones }),
  ]);
  if (onesRows === undefined || othersRows === undefined) return undefined;
  return Math.max(countBut(onesRows, othersRows), countBut(othersRows, onesRows));
}

/** The rows of those chunks that the other copy has not. */
async function rowsOf(
  member: ComparedMember,
  { table, id, chunks, but }: {
    readonly table: string;
    readonly id: string;
    readonly chunks: readonly RowChunk[];
    readonly but: readonly RowChunk[];
  },
): Promise<number[] | undefined> {
  const known = counted(but.map(({ sum }) => sum));
  const rows: number[] = [];
  let from = 0;
  let asked = 0;
  for (const { sum, rows: count } of chunks) {
    const left = known.get(sum) ?? 0;
    if (left > 0) known.set(sum, left - 1);
    else if (++asked > chunksMax) return undefined;
    else for (const row of await member.rows(id, table, from, count)) rows.push(row);
    from += count;
  }
  return rows;
}

/** How many of the values are not among the others, each of those counted once. */
function countBut(values: readonly number[], others: readonly number[]): number {
  const left = counted(others);
  return values.filter((value) => {
    const count = left.get(value) ?? 0;
    if (count > 0) left.set(value, count - 1);
    return count === 0;
  }).length;
}

function counted<Value>(values: readonly Value[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
