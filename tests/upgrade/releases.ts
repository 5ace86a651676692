/**
 * The releases that this program must be able to run beside, newest first: a cluster goes over from
 * each of them node by node, and back for as long as its version is not raised. A release is added
 * when it is made; the oldest may go when nobody is to come from it in one step any more.
 */
export interface Release {
  /** What CHANGELOG.md calls it, or the commit if it has no name. */
  readonly name: string;
  readonly commit: string;
  /** The newest version of clusters that it understands (src/raft/cluster_version.ts). */
  readonly version: number;
}

/** The one before this. */
export const before: Release = {
  name: "464fe8e",
  commit: "464fe8eb073a3ec1630bc3891e3240afa51246d4",
  version: 1,
};

export const releases: readonly Release[] = [before];
