/// <reference lib="deno.worker" />
/** Begins as a thread that serves HTTP, with a connection, and dies of the first request. */
import { ThreadFigures } from "../../../src/http/threads/thread_figures.ts";
import { ConnectionCount } from "../../../src/http/connection_count.ts";
import type { FromThread, ToThread } from "../../../src/http/threads/messages.ts";

const post = (message: FromThread) => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToThread>) => {
  if (data.type === "start") {
    const { figures, connections } = data.serving;
    new ThreadFigures(figures).connections = 1;
    new ConnectionCount(connections).add(1);
    post({
      type: "requests",
      requests: [{
        id: 1,
        method: "GET",
        url: "http://x/",
        headers: [],
        body: null,
        address: "",
        asksWho: false,
      }],
    });
  } else if (data.type === "release") throw new Error("Planted");
};
