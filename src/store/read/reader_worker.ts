import { runInWorker } from "../worker_scope.ts";
import { readerThread } from "./reader_thread.ts";

runInWorker(readerThread);
