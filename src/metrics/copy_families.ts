import type { CopyVerdict, ServiceStatus } from "../cluster/types.ts";
import { byLabel, type Family, single } from "./families.ts";

const verdicts: readonly CopyVerdict[] = ["same", "differs", "undecided", "not_compared"];

/** What is known of this node's copy of the database, and of all of them. */
export function copyFamilies({ damage, copiesReplaced, comparison }: ServiceStatus): Family[] {
  const counts = comparison === undefined ? [] : verdicts.map((verdict) => [
    verdict,
    comparison.copies.filter((copy) => copy.verdict === verdict).length,
  ]);
  return [
    {
      name: "raftlite_copy_damaged",
      help: "1 while this node's copy of the database is damaged, and waits for the leader's",
      type: "gauge",
      samples: single(damage === undefined ? 0 : 1),
    },
    {
      name: "raftlite_copies_replaced_total",
      help: "Damaged copies of the database that this node has replaced by the leader's",
      type: "counter",
      samples: single(copiesReplaced),
    },
    {
      name: "raftlite_copies_compared",
      help: "Copies of the last comparison that this node knows of, by what came of them",
      type: "gauge",
      samples: byLabel("verdict", Object.fromEntries(counts)),
    },
    {
      name: "raftlite_copies_compared_timestamp_seconds",
      help: "When that comparison ended, since 1970",
      type: "gauge",
      samples: comparison?.finishedAtMs === undefined ? [] : single(comparison.finishedAtMs / 1000),
    },
  ];
}
