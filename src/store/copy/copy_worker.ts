import { runInWorker } from "../worker_scope.ts";
import { copyThread } from "./copy_thread.ts";

runInWorker(copyThread);
