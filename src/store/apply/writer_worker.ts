import { runInWorker } from "../worker_scope.ts";
import { writerThread } from "./writer_thread.ts";

runInWorker(writerThread);
