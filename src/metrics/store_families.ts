import type { StoreStatus, UpkeepRecord } from "../store/types.ts";
import { byLabel, type Family, single } from "./families.ts";

/** The database's files, and the threads that work on them. */
export function storeFamilies(store: StoreStatus): Family[] {
  return [
    extensionFamily(store),
    ...fileFamilies(store),
    ...upkeepFamilies(store),
    ...threadFamilies(store),
  ];
}

function fileFamilies(store: StoreStatus): Family[] {
  return [
    {
      name: "raftlite_database_size_bytes",
      help: "Size of the database, without its WAL",
      type: "gauge",
      samples: single(store.databaseBytes),
    },
    {
      name: "raftlite_database_free_bytes",
      help: "Part of the database that is empty pages, which VACUUM gives back",
      type: "gauge",
      samples: single(store.freePages * store.pageBytes),
    },
    {
      name: "raftlite_wal_size_bytes",
      help: "Size of SQLite's write-ahead log",
      type: "gauge",
      samples: single(store.walBytes),
    },
    {
      name: "raftlite_wal_checkpoints_total",
      help: "Checkpoints: the WAL's pages went into the database's file",
      type: "counter",
      samples: single(store.walCheckpoints),
    },
    {
      name: "raftlite_wrong_page_reads_total",
      help: "Reads of a page of the database's file that is another one than was written there",
      type: "counter",
      samples: single(store.wrongPageReads),
    },
  ];
}

/** No sample where there are none. */
function extensionFamily({ extensions }: StoreStatus): Family {
  return {
    name: "raftlite_sqlite_extension_info",
    help: "1 for each extension that SQLite has loaded, with the SHA-256 of its file",
    type: "gauge",
    samples: extensions.files.map(({ name, sha256 }) => ({ labels: { name, sha256 }, value: 1 })),
  };
}

function upkeepFamilies({ upkeep, upkeepRuns: { vacuum, optimize } }: StoreStatus): Family[] {
  const last = Object.entries<UpkeepRecord | undefined>(upkeep).flatMap(([task, record]) =>
    record?.last === undefined ? [] : byLabel("task", { [task]: record.last / 1000 })
  );
  return [
    {
      name: "raftlite_upkeep_last_run_timestamp_seconds",
      help:
        "When VACUUM, PRAGMA optimize or a comparison of copies was last done by its interval, since 1970",
      type: "gauge",
      samples: last,
    },
    {
      name: "raftlite_upkeep_runs_total",
      help: "Runs of VACUUM and PRAGMA optimize by their intervals on this node",
      type: "counter",
      samples: byLabel("task", { vacuum: vacuum.ok, optimize: optimize.ok }),
    },
    {
      name: "raftlite_upkeep_failures_total",
      help: "Those of them that failed",
      type: "counter",
      samples: byLabel("task", { vacuum: vacuum.failed, optimize: optimize.failed }),
    },
    {
      name: "raftlite_upkeep_seconds_total",
      help: "Time that they took on this node",
      type: "counter",
      samples: byLabel("task", {
        vacuum: vacuum.totalMs / 1000,
        optimize: optimize.totalMs / 1000,
      }),
    },
  ];
}

function threadFamilies({ readPool, batchesApplied, writerRequests }: StoreStatus): Family[] {
  const { readers, busy, streaming, queued } = readPool;
  return [
    {
      name: "raftlite_apply_batches_total",
      help: "Batches of entries that were applied, by the thread that did",
      type: "counter",
      samples: byLabel("thread", {
        main: batchesApplied.mainThread,
        writer: batchesApplied.writer,
      }),
    },
    {
      name: "raftlite_writer_requests",
      help: "Requests to the writing thread that it has not answered yet",
      type: "gauge",
      samples: single(writerRequests),
    },
    {
      name: "raftlite_readers",
      help: "Reading threads by what they do; short reads run on the main thread",
      type: "gauge",
      samples: byLabel("state", { idle: readers - busy, busy }),
    },
    {
      name: "raftlite_reads_queued",
      help: "Reads that wait for a reading thread",
      type: "gauge",
      samples: single(queued),
    },
    {
      name: "raftlite_reads_streaming",
      help: "Answers of reads that are on their way as streams",
      type: "gauge",
      samples: single(streaming),
    },
  ];
}
