import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { firstVersion, newestVersion, unknownVersion, versionOf } from "./cluster_version.ts";
import type { Configuration, Member, MembershipChange, NodeId, Suffrage } from "./types.ts";

const suffrages: readonly Suffrage[] = ["voter", "staging", "learner"];

/** The most members a configuration may have. */
export const membersMax = 255;

/** With the cluster's version in it, or without as long as that is the first. */
const Layout = { unversioned: 1, versioned: 2 } as const;

/**
 * Encodes a configuration as the data of a configuration entry: layout u8, in layout 2 the
 * cluster's version u16, count u8, then for each member: suffrage u8, id, address, httpAddress
 * (each a 32-bit length and UTF-8).
 */
export function encodeConfiguration(configuration: Configuration): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const version = versionOf(configuration);
  writer.uint8(version === firstVersion ? Layout.unversioned : Layout.versioned);
  if (version !== firstVersion) writer.uint16(version);
  writer.uint8(configuration.members.length);
  for (const member of configuration.members) {
    writer.uint8(suffrages.indexOf(member.suffrage));
    writer.text(member.id);
    writer.text(member.address);
    writer.text(member.httpAddress);
  }
  return writer.copy();
}

/** Decodes what {@linkcode encodeConfiguration} made; throws a FormatError at anything else. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const reader = new ByteReader(data);
  const layout = reader.uint8();
  if (layout !== Layout.unversioned && layout !== Layout.versioned) {
    throw new FormatError(`Unknown layout ${layout} of a configuration`);
  }
  const version = layout === Layout.versioned ? reader.uint16() : firstVersion;
  if (layout === Layout.versioned && version <= firstVersion) {
    throw new FormatError(`Version ${version} in a configuration of layout ${layout}`);
  }
  if (version > newestVersion) throw new FormatError(unknownVersion(version));
  const members: Member[] = [];
  const count = reader.uint8();
  for (let i = 0; i < count; i++) {
    const suffrage = suffrages[reader.uint8()];
    if (suffrage === undefined) throw new FormatError("Unknown suffrage in a configuration");
    members.push({
      suffrage,
      id: reader.text(),
      address: reader.text(),
      httpAddress: reader.text(),
    });
  }
  reader.end();
  return withVersion(members, version);
}

function withVersion(members: readonly Member[], version: number): Configuration {
  return version === firstVersion ? { members } : { members, version };
}

/** The same, of a cluster that can be: it has voters, and each member is in it once. */
export function soundConfiguration(data: Uint8Array): Configuration {
  const configuration = decodeConfiguration(data);
  const ids = new Set(configuration.members.map((member) => member.id));
  if (ids.has("") || ids.size < configuration.members.length) {
    throw new FormatError("A configuration names a member twice, or not at all");
  }
  if (voterIds(configuration).length === 0) throw new FormatError("A configuration has no voter");
  return configuration;
}

/** Whether no other server is a member beside this one. */
export function isAlone({ members }: Configuration, id: NodeId): boolean {
  return members.every((member) => member.id === id);
}

/** The configuration with `change` made. */
export function changedConfiguration(
  configuration: Configuration,
  change: MembershipChange,
): Configuration {
  if (change.type === "version") {
    return withVersion(configuration.members, Math.max(versionOf(configuration), change.version));
  }
  const id = change.type === "put" ? change.member.id : change.id;
  const members = configuration.members.filter((member) => member.id !== id);
  if (change.type === "put") members.push(change.member);
  members.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return withVersion(members, versionOf(configuration));
}

export function voterIds(configuration: Configuration): NodeId[] {
  return configuration.members.filter((m) => m.suffrage === "voter").map((m) => m.id);
}

/**
 * The largest value that a majority of the voters has reached, given each one's value, in any
 * order; sorts `values`. 0 when there is no voter, as nothing is then ever agreed on.
 */
export function majorityValue(values: number[]): number {
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? 0;
    let k = i - 1;
    for (; k >= 0 && (values[k] ?? 0) < value; k--) values[k + 1] = values[k] ?? 0;
    values[k + 1] = value;
  }
  return values[values.length >> 1] ?? 0;
}

/** How many of `voters` voters are a majority. */
export function majority(voters: number): number {
  return (voters >> 1) + 1;
}
