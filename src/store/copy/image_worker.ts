import { runInWorker } from "../worker_scope.ts";
import { imageThread } from "./image_thread.ts";

runInWorker(imageThread);
