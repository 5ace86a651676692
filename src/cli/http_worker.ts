/// <reference lib="deno.worker" />
import type { FromThread, ToThread } from "../http/threads/messages.ts";
import { ThreadServer } from "../http/threads/thread_server.ts";
import { DenoClock } from "../io/deno_clock.ts";
import type { Logger } from "../io/types.ts";
import { ThreadReader } from "../store/read/thread_reader.ts";

let server: ThreadServer | undefined;

self.onmessage = ({ data }: MessageEvent<ToThread>) => {
  if (data.type === "start") server = begin(data);
  else server?.receive(data);
};

function begin({ serving, reading }: Extract<ToThread, { type: "start" }>): ThreadServer {
  const clock = new DenoClock();
  const post = (message: FromThread, transfer: Transferable[] = []) =>
    self.postMessage(message, transfer);
  const logger: Logger = {
    log: (level, room, text) => post({ type: "log", level, room, text }),
  };
  const reader = new ThreadReader({
    start: reading,
    clock,
    logger,
    reportSlow: (statement) => post({ type: "slow", statement }),
  });
  return new ThreadServer({ serving, reader, clock, logger, post });
}
