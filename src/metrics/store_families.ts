import type { StoreStatus } from "../store/types.ts";
import { byLabel, type Family, single } from "./families.ts";

/** The database's files, and the threads that work on them. */
export function storeFamilies(store: StoreStatus): Family[] {
  return [...fileFamilies(store), ...threadFamilies(store)];
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
