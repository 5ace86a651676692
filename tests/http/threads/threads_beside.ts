import assert from "node:assert/strict";
import { chooseListeners } from "../../../src/http/chosen_listeners.ts";
import { listenersOn } from "../../../src/http/listening_sockets.ts";
import type { ConnectionLimits } from "../../../src/http/connection_watch.ts";
import { HttpThreads } from "../../../src/http/threads/http_threads.ts";
import { DenoClock } from "../../../src/io/deno_clock.ts";
import type { Logger } from "../../../src/io/types.ts";
import { findLibrary, locationOf } from "../../../src/sqlite/mod.ts";
import { LifeCycle } from "../../../src/store/life_cycle.ts";
import { OutsideReaders } from "../../../src/store/read/outside_readers.ts";

const library = locationOf(await findLibrary());

interface BesideOptions {
  readonly limits: ConnectionLimits;
  readonly logger: Logger;
  readonly startWorker?: () => Worker;
}

/** Another thread that serves HTTP, of a store that is not open yet: it passes everything on. */
export function oneThreadBeside(
  { limits, logger, startWorker = worker }: BesideOptions,
): { readonly threads: HttpThreads; readonly readers: OutsideReaders; readonly life: LifeCycle } {
  const life = new LifeCycle();
  const readers = new OutsideReaders(
    life,
    { library, path: "", foreignKeys: false, slow: undefined },
    () => {},
  );
  const threads = new HttpThreads({
    count: 1,
    startWorker,
    readers,
    confirm: () => Promise.resolve(),
    callers: undefined,
    audit: undefined,
    clock: new DenoClock(),
    serving: {
      limits,
      bodyBytesMax: 10 * 1024 * 1024,
      permit: new SharedArrayBuffer(8),
      readsWrites: false,
      rqliteVersion: "",
      allowOrigin: "",
      httpAddress: "",
    },
    logger,
  });
  return { threads, readers, life };
}

function worker(): Worker {
  const url = new URL("../../../src/cli/http_worker.ts", import.meta.url);
  return new Worker(url, { type: "module" });
}

/** No write is read at the other thread. */
export const noWrites = () => Promise.reject(new Error("No write was handed over"));

/** Has one of two threads get all connections to a port: 0 is the main one. */
export function callThread(port: number, place: number): void {
  assert.equal(listenersOn(port).length, 2);
  assert.ok(chooseListeners(port, { from: place, count: 1 }));
}
