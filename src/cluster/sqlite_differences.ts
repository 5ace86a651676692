import type { SqliteProfile } from "../store/types.ts";

/** Of names in a row, so many are told. */
const namesMax = 4;
/** No text of another node's is told at greater length. */
const nameCharactersMax = 80;

/** In what two nodes' SQLite differ, for people; empty when they are as good as the same. */
export function sqliteDifferences(here: SqliteProfile, there: SqliteProfile): string[] {
  const differences: string[] = [];
  if (here.version !== there.version) {
    differences.push(`version ${here.version} here, ${shown(there.version)} there`);
  } else if (here.sourceId !== there.sourceId) {
    differences.push(`source ${here.sourceId} here, ${shown(there.sourceId)} there`);
  }
  const onlyHere = lacking(here.compileOptions, there.compileOptions);
  const onlyThere = lacking(there.compileOptions, here.compileOptions);
  if (onlyHere.length > 0) differences.push(`compile options only here: ${list(onlyHere)}`);
  if (onlyThere.length > 0) differences.push(`compile options only there: ${list(onlyThere)}`);
  const parted = here.probes.filter(({ group, questions, answers }) =>
    there.probes.some((other) =>
      other.group === group && other.questions === questions && other.answers !== answers
    )
  );
  if (parted.length > 0) {
    const groups = parted.map(({ group }) => group);
    differences.push(`other results in ${list(groups, groups.length)}`);
  }
  return differences;
}

function lacking(from: readonly string[], among: readonly string[]): string[] {
  const known = new Set(among);
  return from.filter((name) => !known.has(name));
}

function list(names: readonly string[], most = namesMax): string {
  const told = names.slice(0, most).map(shown).join(", ");
  return names.length > most ? `${told} and ${names.length - most} more` : told;
}

/** What another node says goes into the log: in one line, and not for long. */
function shown(text: string): string {
  // deno-lint-ignore no-control-regex
  const plain = text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
  return plain.length > nameCharactersMax ? `${plain.slice(0, nameCharactersMax)}…` : plain;
}
