import type { ReplyOf, RequestTo, Thread, ThreadHandlers, ThreadName, Threads } from "./threads.ts";

const modules: Readonly<Record<ThreadName, URL>> = {
  writer: new URL("./apply/writer_worker.ts", import.meta.url),
  reader: new URL("./read/reader_worker.ts", import.meta.url),
  held_reads: new URL("./apply/held_reads_worker.ts", import.meta.url),
  copier: new URL("./copy/copy_worker.ts", import.meta.url),
  images: new URL("./copy/image_worker.ts", import.meta.url),
  scrub: new URL("./scrub/scrub_worker.ts", import.meta.url),
};

/** Each thread a Worker. */
export class WorkerThreads implements Threads {
  start<Name extends ThreadName>(
    name: Name,
    handlers: ThreadHandlers<ReplyOf<Name>>,
  ): Thread<RequestTo<Name>> {
    const worker = new Worker(modules[name], { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<ReplyOf<Name>>) => handlers.receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      handlers.died(event.message);
    };
    return {
      post: (request, transfer = []) => worker.postMessage(request, transfer),
      terminate: () => worker.terminate(),
    };
  }
}
