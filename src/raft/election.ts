import { majority } from "./quorum.ts";
import type { NodeId } from "./types.ts";

/** The votes of one campaign: of a pre-vote (9.6), or of the election itself (3.4). */
export class Election {
  readonly preVote: boolean;
  /** The term that it is about; for a pre-vote the next one. */
  readonly term: number;
  readonly #votes = new Map<NodeId, boolean>();

  constructor(preVote: boolean, term: number) {
    this.preVote = preVote;
    this.term = term;
  }

  /** Counts an answer; the first one of each voter counts. */
  record(from: NodeId, granted: boolean): void {
    if (!this.#votes.has(from)) this.#votes.set(from, granted);
  }

  /** How it stands among these voters; the answers of others do not count. */
  outcome(voters: readonly NodeId[]): "won" | "lost" | "open" {
    let granted = 0;
    let refused = 0;
    for (const voter of voters) {
      const vote = this.#votes.get(voter);
      if (vote === true) granted++;
      else if (vote === false) refused++;
    }
    if (granted >= majority(voters.length)) return "won";
    return voters.length - refused < majority(voters.length) ? "lost" : "open";
  }
}
