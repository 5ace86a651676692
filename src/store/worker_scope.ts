/// <reference lib="deno.worker" />
import { DenoClock } from "../io/deno_clock.ts";
import { DenoDisk } from "../io/deno_disk.ts";
import { openLibrary } from "../sqlite/mod.ts";
import type { ThreadProgram } from "./threads.ts";

/** Runs `program` in this Worker. */
export function runInWorker<Request, Reply>(program: ThreadProgram<Request, Reply>): void {
  const receive = program({
    clock: new DenoClock(),
    disk: new DenoDisk(),
    openLibrary,
    post: (reply, transfer = []) => self.postMessage(reply, transfer),
    wait: (words, at, value, timeoutMs) => void Atomics.wait(words, at, value, timeoutMs),
  });
  self.onmessage = ({ data }: MessageEvent<Request>) => receive(data);
}
