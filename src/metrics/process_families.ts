import { type Family, single } from "./families.ts";

/** The program itself; by the names that Prometheus' own clients use where they have one. */
export interface ProcessFigures {
  readonly version: string;
  readonly sqliteVersion: string;
  readonly denoVersion: string;
  readonly startedAtMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  /** The longest turns of the event loop, since the start and in the last minute, in ms. */
  readonly longestTurnMs: number;
  readonly longestTurnLatelyMs: number;
  /** When certificates begin and end, in ms since 1970, by what they are for. */
  readonly certificates: Readonly<
    Record<string, { readonly notBefore: number; readonly notAfter: number }>
  >;
}

export function processFamilies(figures: ProcessFigures): Family[] {
  const { version, sqliteVersion, denoVersion, certificates } = figures;
  return [
    {
      name: "raftlite_build_info",
      help: "1, with the versions of this program, of its SQLite and of Deno",
      type: "gauge",
      samples: [{
        labels: { version, sqlite_version: sqliteVersion, deno_version: denoVersion },
        value: 1,
      }],
    },
    {
      name: "raftlite_certificate_expiry_timestamp_seconds",
      help:
        "When a certificate in force ends, since 1970: of HTTPS (http), of TLS between nodes (node)",
      type: "gauge",
      samples: Object.entries(certificates).map(([use, { notAfter }]) => {
        return { labels: { use }, value: notAfter / 1000 };
      }),
    },
    {
      name: "raftlite_certificate_start_timestamp_seconds",
      help: "When it began: with its end, how long it is good for",
      type: "gauge",
      samples: Object.entries(certificates).map(([use, { notBefore }]) => {
        return { labels: { use }, value: notBefore / 1000 };
      }),
    },
    ...threadFamilies(figures),
    ...memoryFamilies(figures),
  ];
}

function threadFamilies(figures: ProcessFigures): Family[] {
  return [
    {
      name: "raftlite_event_loop_longest_turn_seconds",
      help: "Longest time since the start in which the main thread let nothing else happen",
      type: "gauge",
      samples: single(figures.longestTurnMs / 1000),
    },
    {
      name: "raftlite_event_loop_longest_turn_last_minute_seconds",
      help: "The same in the last minute",
      type: "gauge",
      samples: single(figures.longestTurnLatelyMs / 1000),
    },
    {
      name: "process_cpu_seconds_total",
      help: "Processor time that the program has used",
      type: "counter",
      samples: single(figures.cpuSeconds),
    },
    {
      name: "process_start_time_seconds",
      help: "When the program was started, since 1970",
      type: "gauge",
      samples: single(figures.startedAtMs / 1000),
    },
  ];
}

function memoryFamilies(figures: ProcessFigures): Family[] {
  return [
    {
      name: "process_resident_memory_bytes",
      help: "Memory that the program takes of the machine",
      type: "gauge",
      samples: single(figures.residentBytes),
    },
    {
      name: "raftlite_heap_used_bytes",
      help: "Memory of the main thread's JavaScript objects",
      type: "gauge",
      samples: single(figures.heapUsedBytes),
    },
    {
      name: "raftlite_heap_total_bytes",
      help: "Memory that the main thread's JavaScript heap takes",
      type: "gauge",
      samples: single(figures.heapTotalBytes),
    },
    {
      name: "raftlite_external_memory_bytes",
      help: "Memory of buffers outside the main thread's JavaScript heap",
      type: "gauge",
      samples: single(figures.externalBytes),
    },
  ];
}
