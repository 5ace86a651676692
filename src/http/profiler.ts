import type { Session } from "node:inspector";

/** Samples of one profile at most: about 5 MB of JSON. */
const samplesMax = 60_000;
/** Between two samples of the processor, at least, in microseconds. */
const sampleMicros = 1000;
/** Bytes allocated from one sample to the next, about; V8's own default is eight times as fine. */
const allocationBytes = 256 * 1024;

/** One is being taken already: V8 has one profiler for a thread. */
export class ProfilerBusyError extends Error {
  override name = "ProfilerBusyError";
}

/**
 * Profiles of the thread that asks, by V8's own profiler, in the forms that Chrome's developer tools
 * open: https://chromedevtools.github.io/devtools-protocol/v8/Profiler and …/HeapProfiler. What other
 * threads do is not in them.
 */
export class Profiler {
  #busy = false;

  /** Where processor time goes for `ms`, or until `signal`: the text of a .cpuprofile. */
  processor(ms: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async (session) => {
      const interval = Math.max(sampleMicros, Math.ceil(ms * 1000 / samplesMax));
      await posted(session, "Profiler.enable");
      await posted(session, "Profiler.setSamplingInterval", { interval });
      await posted(session, "Profiler.start");
      await passed(ms, signal);
      const { profile } = await posted(session, "Profiler.stop");
      return JSON.stringify(profile);
    });
  }

  /** Which functions allocate what is still alive after `ms`, or at `signal`: a .heapprofile. */
  allocations(ms: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async (session) => {
      await posted(session, "HeapProfiler.startSampling", { samplingInterval: allocationBytes });
      await passed(ms, signal);
      const { profile } = await posted(session, "HeapProfiler.stopSampling");
      return JSON.stringify(profile);
    });
  }

  /**
   * All objects of the heap, with their contents: the parts of a .heapsnapshot. The thread stands
   * still meanwhile, about two seconds for each 100 MB.
   */
  heap(): Promise<string[]> {
    return this.#alone(async (session) => {
      const parts: string[] = [];
      session.on(
        "HeapProfiler.addHeapSnapshotChunk",
        ({ params }) => void parts.push(params.chunk),
      );
      await posted(session, "HeapProfiler.takeHeapSnapshot");
      return parts;
    });
  }

  async #alone<T>(take: (session: Session) => Promise<T>): Promise<T> {
    if (this.#busy) throw new ProfilerBusyError("A profile is being taken already");
    this.#busy = true;
    // What V8 answers later keeps no event loop alive by itself.
    const alive = setInterval(() => {}, 1000);
    try {
      // Loaded when somebody asks: most nodes never are.
      const { Session } = await import("node:inspector");
      const session = new Session();
      session.connect();
      try {
        return await take(session);
      } finally {
        session.disconnect();
      }
    } finally {
      clearInterval(alive);
      this.#busy = false;
    }
  }
}

// deno-lint-ignore no-explicit-any -- What answers hold is V8's affair: it is passed on as it is.
function posted(session: Session, method: string, parameters: object = {}): Promise<any> {
  return new Promise((resolve, reject) =>
    session.post(method, parameters, (error, answer) => {
      // A turn later: Deno 2.4 panics when it is called again before this has returned.
      setTimeout(() => {
        if (error) reject(new Error(`${method} failed`, { cause: error }));
        else resolve(answer);
      });
    })
  );
}

/** Resolves after `ms`, at `signal` before that. */
function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
  });
}
