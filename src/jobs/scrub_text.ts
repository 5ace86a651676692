import type { ComparedCopy, ComparisonReport, DifferingTable } from "../cluster/types.ts";

/** How many things are named of a list. */
const namedMax = 5;

/** What is wrong with a copy. */
export function differenceText(
  tables: readonly DifferingTable[],
  damage: readonly string[],
  index: number,
): string {
  const parts = tables.map(({ name, rows }) => {
    const what = name === "sqlite_schema" ? "its schema" : `table ${name}`;
    return rows === undefined ? what : `${what} (${counted(rows, "row")})`;
  });
  const differs = parts.length === 0
    ? []
    : [`${listed(parts)} ${parts.length === 1 ? "differs" : "differ"} at index ${index}`];
  return [...differs, ...damage.slice(0, namedMax)].join("; ");
}

/** What a comparison has come to, in a sentence. */
export function reportText(report: ComparisonReport): string {
  const { copies, index, tables, rows, findings, unread } = report;
  const of = (verdict: ComparedCopy["verdict"]) =>
    copies.filter((copy) => copy.verdict === verdict);
  const named = (some: readonly ComparedCopy[]) =>
    listed(some.map(({ id, why }) => why === "" ? id : `${id} (${why})`));
  const [differ, undecided, silent] = [of("differs"), of("undecided"), of("not_compared")];
  const what = `${counted(tables, "table")}, ${counted(rows, "row")}, at index ${index}`;
  const parts = [];
  if (undecided.length > 0) {
    parts.push(
      `Copies of the database differ (${what}), and no more than half of all are alike: nothing is replaced; restore a backup, or remove the nodes whose copies are wrong and let them join again: ${
        named(undecided)
      }`,
    );
  } else if (differ.length > 0) {
    parts.push(`Copies of the database differ from most (${what}): ${named(differ)}`);
  } else {
    parts.push(
      `${counted(of("same").length, "copy", "copies")} of the database are alike (${what})`,
    );
  }
  if (silent.length > 0) parts.push(`not compared: ${named(silent)}`);
  if (unread.length > 0) {
    parts.push(`no time, memory or room on some node to compare: ${listed(unread)}`);
  }
  if (findings.length > 0) parts.push(`SQLite's check says of all of them: ${listed(findings)}`);
  return parts.join("; ");
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function listed(parts: readonly string[]): string {
  const more = parts.length - namedMax;
  const shown = parts.slice(0, namedMax).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
