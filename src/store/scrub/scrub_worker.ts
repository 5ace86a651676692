import { runInWorker } from "../worker_scope.ts";
import { scrubThread } from "./scrub_thread.ts";

runInWorker(scrubThread);
