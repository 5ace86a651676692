import type { Configuration } from "./types.ts";

/**
 * What the nodes of a cluster may make of each other: the version that all of them understand. A
 * node knows every version up to {@linkcode newestVersion}, and says so at the beginning of each
 * connection. The version of the cluster stands in its configuration, is raised by an operator
 * (cluster/upgrade.ts) and never falls: from then on no node may be of an older release.
 *
 * | version | what it brings                                                                               |
 * | ------- | -------------------------------------------------------------------------------------------- |
 * | 1       | what commit 464fe8e has, which says nothing of versions                                      |
 * | 2       | configurations that name their version (layout 2); commands of version 3: idempotency keys, transactions, upkeep, cursors of changes; answers in exact form, and in libSQL's |
 *
 * ARCHITECTURE.md, "A field, a kind, a version", says what a change of a format has to do.
 */

/** What a leader has done on a timer about the database needs it. */
export const upkeepVersion = 2;

/** The version of all that says none. */
export const firstVersion = 1;

/** The newest that this program understands, and the one of a cluster that it begins. */
export const newestVersion = 2;

/** The version of a cluster with this configuration. */
export function versionOf({ version }: Configuration): number {
  return version ?? firstVersion;
}

/** What is wrong with a version that is newer than this program. */
export function unknownVersion(version: number): string {
  return `The cluster has version ${version}, this raftlite knows versions up to ${newestVersion} only: ` +
    "start a newer release";
}
