import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Logger } from "../io/types.ts";
import { type NodeId, nodeName } from "../raft/types.ts";
import type { SqliteProfile } from "../store/types.ts";
import type { Agreement } from "../transport/types.ts";

/** A node whose SQLite is another than this node's. */
export interface SqliteMismatch {
  readonly id: NodeId;
  readonly address: string;
  /** The two exchange nothing; otherwise one of them was told to put up with it. */
  readonly refused: boolean;
  readonly differences: readonly string[];
}

/** Nodes that are remembered: more than a cluster has members. */
const mismatchesMax = 256;

/** The flag that permits a mismatch, as it is written. */
const flag = "-allow-sqlite-mismatch";

/**
 * Every node's database is what its own SQLite makes of the same log: two that answer differently
 * part in silence. So each connection and each join compares them, and refuses a node whose SQLite
 * is another, unless either end was started to permit it for the time of an upgrade.
 */
export class SqliteAgreement implements Agreement {
  readonly own: Uint8Array<ArrayBuffer>;
  readonly profile: SqliteProfile;
  readonly permits: boolean;
  readonly #name: string;
  readonly #logger: Logger;
  /** By server id, the one that differed last at the end. */
  readonly #mismatches = new Map<NodeId, SqliteMismatch>();

  constructor(options: {
    readonly id: NodeId;
    readonly profile: SqliteProfile;
    readonly permits: boolean;
    readonly logger: Logger;
  }) {
    this.profile = options.profile;
    this.permits = options.permits;
    this.own = encodeProfile(options);
    this.#name = nodeName(options.id);
    this.#logger = options.logger;
    if (!this.permits) return;
    const line = `${flag} is set: nodes whose SQLite gives other results are put up with; ` +
      "start this one without it once all have the same";
    this.#logger.log("WARN", "sqlite", line);
  }

  refusal(
    { id, address }: { readonly id: NodeId; readonly address: string },
    theirs: Uint8Array,
  ): string | undefined {
    const told = readProfile(new ByteReader(theirs));
    const differences = sqliteDifferences(this.profile, told.profile);
    if (differences.length === 0) {
      this.#agree(id, address);
      return undefined;
    }
    const refused = !this.permits && !told.permits;
    const text = this.#text({ id, address, refused, differences });
    this.#differ({ id, address, refused, differences }, text);
    return refused ? text : undefined;
  }

  /** Of these nodes, those whose SQLite was another one when this node last met them. */
  mismatches(ids: readonly NodeId[]): SqliteMismatch[] {
    return [...this.#mismatches.values()].filter(({ id }) => ids.includes(id));
  }

  #agree(id: NodeId, address: string): void {
    if (!this.#mismatches.delete(id)) return;
    const line = `Node ${nodeName(id)} at ${address} has the same SQLite as this one again`;
    this.#logger.log("INFO", "sqlite", line);
  }

  /** One line for a node, until something about it changes. */
  #differ(mismatch: SqliteMismatch, text: string): void {
    const { id } = mismatch;
    const known = this.#mismatches.get(id);
    if (known === undefined || this.#text(known) !== text) {
      this.#logger.log(mismatch.refused ? "ERROR" : "WARN", "sqlite", text);
    }
    this.#mismatches.delete(id);
    this.#mismatches.set(id, mismatch);
    if (this.#mismatches.size <= mismatchesMax) return;
    const [oldest] = this.#mismatches.keys();
    if (oldest !== undefined) this.#mismatches.delete(oldest);
  }

  #text({ id, address, refused, differences }: SqliteMismatch): string {
    const who = `SQLite of node ${this.#name} (here) and of node ${nodeName(id)} at ${address}`;
    const what = differences.join("; ");
    return refused
      ? `${who} differ, so they exchange nothing: their databases would come to differ: ${what}. ` +
        "Run the same SQLite on both (the log's first lines name each one's library), or start " +
        `one with ${flag} for the time of an upgrade`
      : `${who} differ, which ${flag} permits; their databases may come to differ: ${what}`;
  }
}

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
  differences.push(...extensionDifferences(here, there));
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

function extensionDifferences(here: SqliteProfile, there: SqliteProfile): string[] {
  const differences: string[] = [];
  const [ours, theirs] = [here, there].map(({ extensions }) => extensions.map(({ name }) => name));
  const onlyHere = lacking(ours ?? [], theirs ?? []);
  const onlyThere = lacking(theirs ?? [], ours ?? []);
  if (onlyHere.length > 0) differences.push(`extensions only here: ${list(onlyHere)}`);
  if (onlyThere.length > 0) differences.push(`extensions only there: ${list(onlyThere)}`);
  for (const { name, digest } of here.extensions) {
    const other = there.extensions.find((extension) => extension.name === name);
    if (other === undefined || other.digest === digest) continue;
    const [shortHere, shortThere] = [digest, shown(other.digest)].map((text) => text.slice(0, 12));
    differences.push(`extension ${name} is SHA-256 ${shortHere}… here, ${shortThere}… there`);
  }
  const safeHere = lacking(here.safeFunctions, there.safeFunctions);
  const safeThere = lacking(there.safeFunctions, here.safeFunctions);
  if (safeHere.length > 0) differences.push(`safe functions only here: ${list(safeHere)}`);
  if (safeThere.length > 0) differences.push(`safe functions only there: ${list(safeThere)}`);
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

/** A node's SQLite as it tells the others. */
export interface ToldProfile {
  readonly profile: SqliteProfile;
  /** It was started to put up with another one. */
  readonly permits: boolean;
}

/** In front of what stands among the compile options for an extension, and for a safe function. */
const extensionMark = "LOADED_EXTENSION=";
const safeMark = "SAFE_FUNCTION=";

/**
 * permits u8, version, source id; compile options: count u16, each a text; probes: count u8, each
 * group, questions and answers as texts. Integers are little-endian, texts are a 32-bit length and
 * UTF-8. Goes into a handshake, which bounds it. Extensions stand among the compile options, so that
 * a release that knows of none refuses a node that has some: LOADED_EXTENSION=name:digest, and
 * SAFE_FUNCTION=name.
 */
export function encodeProfile({ profile, permits }: ToldProfile): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(permits ? 1 : 0);
  writer.text(profile.version);
  writer.text(profile.sourceId);
  const options = [
    ...profile.compileOptions,
    ...profile.extensions.map(({ name, digest }) => `${extensionMark}${name}:${digest}`),
    ...profile.safeFunctions.map((name) => safeMark + name),
  ];
  writer.uint16(options.length);
  for (const option of options) writer.text(option);
  writer.uint8(profile.probes.length);
  for (const { group, questions, answers } of profile.probes) {
    writer.text(group);
    writer.text(questions);
    writer.text(answers);
  }
  return writer.copy();
}

export function readProfile(reader: ByteReader): ToldProfile {
  const permits = reader.uint8() === 1;
  const version = reader.text();
  const sourceId = reader.text();
  const options = Array.from({ length: reader.uint16() }, () => reader.text());
  const probes = Array.from({ length: reader.uint8() }, () => ({
    group: reader.text(),
    questions: reader.text(),
    answers: reader.text(),
  }));
  reader.end();
  return { permits, profile: { version, sourceId, probes, ...sortedOptions(options) } };
}

function sortedOptions(
  options: readonly string[],
): Pick<SqliteProfile, "compileOptions" | "extensions" | "safeFunctions"> {
  const behind = (mark: string) =>
    options.filter((option) => option.startsWith(mark)).map((option) => option.slice(mark.length));
  return {
    compileOptions: options.filter((option) =>
      !option.startsWith(extensionMark) && !option.startsWith(safeMark)
    ),
    extensions: behind(extensionMark).map((text) => {
      const [name = "", digest = ""] = text.split(":");
      return { name, digest };
    }),
    safeFunctions: behind(safeMark),
  };
}
