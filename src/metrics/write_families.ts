import type { ServiceStatus } from "../cluster/types.ts";
import type { WriteQueueCounts, WriteQueueFigures } from "../cluster/write_queue.ts";
import { byLabel, type Family, single } from "./families.ts";

/** The way of writes: its stages, and the queue in front of it. */
export function writeFamilies(
  { stages, pendingWrites }: ServiceStatus,
  queue: { readonly figures: WriteQueueFigures; readonly counts: WriteQueueCounts },
): Family[] {
  const { wait, sync, replicate, apply } = stages;
  return [
    {
      name: "raftlite_write_stage_duration_seconds",
      help: "How long a stage took, counted by entries of the log: wait is until the leader " +
        "proposes, sync until it is on this node's disk, replicate until it is on a majority's " +
        "(which contains the sync), apply until the database has it; a follower has only sync " +
        "and apply",
      type: "histogram",
      samples: Object.entries({ wait, sync, replicate, apply }).map(([stage, value]) => ({
        labels: { stage },
        value,
      })),
    },
    {
      name: "raftlite_writes_pending",
      help: "Writes that this node has taken and not answered yet",
      type: "gauge",
      samples: single(pendingWrites),
    },
    ...queueFamilies(queue.figures, queue.counts),
  ];
}

function queueFamilies(figures: WriteQueueFigures, counts: WriteQueueCounts): Family[] {
  return [
    {
      name: "raftlite_queue_requests",
      help: "Queued writes that wait for their batch",
      type: "gauge",
      samples: single(figures.waitingRequests),
    },
    {
      name: "raftlite_queue_capacity_requests",
      help: "Queued writes that may wait; beyond that their clients do",
      type: "gauge",
      samples: single(figures.capacity),
    },
    {
      name: "raftlite_queue_statements_total",
      help: "Statements of queued writes, by whether they were taken into the queue or written",
      type: "counter",
      samples: byLabel("stage", {
        taken: counts.statementsTaken,
        written: counts.statementsWritten,
      }),
    },
    {
      name: "raftlite_queue_batches_total",
      help: "Batches of queued writes that were written",
      type: "counter",
      samples: single(counts.batchesWritten),
    },
    {
      name: "raftlite_queue_failures_total",
      help: "Tries to write a batch that failed, by reason",
      type: "counter",
      samples: byLabel("reason", {
        no_leader: counts.failuresNoLeader,
        other: counts.failuresOther,
      }),
    },
  ];
}
