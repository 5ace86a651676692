import { runInWorker } from "../worker_scope.ts";
import { heldReadsThread } from "./held_reads_thread.ts";

runInWorker(heldReadsThread);
