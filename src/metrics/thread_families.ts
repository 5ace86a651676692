import { type Family, single } from "./families.ts";

/** A thread that serves HTTP beside the main one. */
export interface HttpThreadFigures {
  readonly connections: number;
  readonly served: number;
  readonly written: number;
  readonly passed: number;
}

/** Of the threads beside the main one, which is 1, and how many of them died. */
export function httpThreadFamilies(
  threads: readonly HttpThreadFigures[],
  deaths: number,
): Family[] {
  const samples = (value: (figures: HttpThreadFigures) => number) =>
    threads.map((figures, at) => ({
      labels: { thread: String(at + 2) },
      value: value(figures),
    }));
  return [
    {
      name: "raftlite_http_thread_connections",
      help: "Connections open at a thread beside the main one (with `-http-threads` only)",
      type: "gauge",
      samples: samples(({ connections }) => connections),
    },
    {
      name: "raftlite_http_thread_reads_total",
      help: "Reads that it answered by itself",
      type: "counter",
      samples: samples(({ served }) => served),
    },
    {
      name: "raftlite_http_thread_writes_total",
      help: "Writes that it read, and had the main thread carry out",
      type: "counter",
      samples: samples(({ written }) => written),
    },
    {
      name: "raftlite_http_thread_passed_on_total",
      help: "Requests that it had the main thread answer",
      type: "counter",
      samples: samples(({ passed }) => passed),
    },
    {
      name: "raftlite_http_thread_deaths_total",
      help: "Threads that died, with their connections, and were replaced",
      type: "counter",
      samples: single(deaths),
    },
  ];
}
