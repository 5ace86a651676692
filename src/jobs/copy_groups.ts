import type { CopyDigest, TableDigest } from "../store/types.ts";
import type { CopyVerdict } from "../cluster/types.ts";

/** A copy that was read, by the operator's name of its node. */
export interface ReadCopy {
  readonly id: string;
  readonly digest: CopyDigest;
}

/** Copies that were read up to the same table, at the same index. */
export interface CopyGroups {
  readonly verdicts: ReadonlyMap<string, CopyVerdict>;
  /** One that is as most are; undefined when nobody can tell. */
  readonly sound: ReadCopy | undefined;
}

/**
 * Which copies are as most are: more than half of all members of the cluster have to be alike, those
 * among them that could not be compared. Damage that SQLite finds in one copy, and in the others not,
 * makes that one another; what it finds in all of them is what they hold.
 */
export function groupCopies(copies: readonly ReadCopy[], members: number): CopyGroups {
  const groups = new Map<string, ReadCopy[]>();
  const cut = new Set(cutShort(copies));
  const isKnown = ({ name }: { readonly name: string }) => !cut.has(name);
  const areChecked = copies.every(({ digest }) => digest.checked);
  for (const copy of copies) {
    const { tables, unread } = copy.digest;
    const damage = areChecked ? copy.digest.damage : damageOfTables(copy.digest);
    const known = [tables.filter(isKnown), unread.filter(isKnown).map(({ name }) => name), damage];
    const signature = JSON.stringify(known);
    groups.set(signature, [...groups.get(signature) ?? [], copy]);
  }
  const sizes = [...groups.values()].toSorted((a, b) => b.length - a.length);
  const [largest = []] = sizes;
  const isAlone = groups.size <= 1;
  const isMajority = largest.length * 2 > members;
  const verdictOf = (copy: ReadCopy): CopyVerdict => {
    if (isAlone) return "same";
    if (!isMajority) return "undecided";
    return largest.includes(copy) ? "same" : "differs";
  };
  return {
    verdicts: new Map(copies.map((copy) => [copy.id, verdictOf(copy)])),
    sound: isAlone || isMajority ? largest[0] : undefined,
  };
}

/** What was found when tables were read, without what SQLite's check says of the whole. */
function damageOfTables({ damage, unread }: CopyDigest): string[] {
  return damage.filter((line) => unread.some(({ name }) => line.startsWith(`${name}: `)));
}

/** Tables that some node could not read, which says nothing of its copy. */
export function cutShort(copies: readonly ReadCopy[]): string[] {
  return copies.flatMap(({ digest }) =>
    digest.unread.filter((table) => table.cutShort).map(({ name }) => name)
  );
}

/**
 * The same copies, each only as far as all of them were read, and the name of the last table of
 * that: undefined when they were read to their end.
 */
export function readByAll(
  copies: readonly ReadCopy[],
): { readonly copies: ReadCopy[]; readonly until: string | undefined } {
  const order = [...new Set(copies.flatMap(({ digest }) => namesOf(digest)))].toSorted(byName);
  const ends = copies
    .filter(({ digest }) => !digest.complete)
    .map(({ digest }) => order.indexOf(namesOf(digest).toSorted(byName).at(-1) ?? ""));
  if (ends.length === 0) return { copies: [...copies], until: undefined };
  const end = Math.min(...ends);
  const isIn = ({ name }: { readonly name: string }) => order.indexOf(name) <= end;
  const cut = copies.map(({ id, digest }) => ({
    id,
    digest: {
      ...digest,
      tables: digest.tables.filter(isIn),
      unread: digest.unread.filter(isIn),
      // It was looked for only by those that came to the end.
      damage: damageOfTables(digest),
      checked: false,
      complete: false,
    },
  }));
  return { copies: cut, until: order[end] ?? "" };
}

function namesOf({ tables, unread }: CopyDigest): string[] {
  return [...tables, ...unread].map(({ name }) => name);
}

/** The schema is read first, and all else by name. */
function byName(a: string, b: string): number {
  const isFirst = (name: string) => name === "sqlite_schema";
  if (isFirst(a) !== isFirst(b)) return isFirst(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The tables in which a copy is not as the sound one. */
export function tablesThatDiffer(copy: CopyDigest, sound: CopyDigest): string[] {
  const key = ({ rows, sum }: TableDigest) => `${rows} ${sum}`;
  const keys = (digest: CopyDigest) =>
    new Map(digest.tables.map((table) => [table.name, key(table)]));
  const [own, others] = [keys(copy), keys(sound)];
  const names = new Set([...own.keys(), ...others.keys()]);
  return [...names].filter((name) => own.get(name) !== others.get(name));
}
