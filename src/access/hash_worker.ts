/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { matchesHash } from "./password_hash.ts";

/** What a Worker is asked: whether `hash` is one of `password`. */
export interface HashTask {
  readonly password: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = async ({ data }: MessageEvent<HashTask>) => {
  self.postMessage(await matchesHash(data.password, data.hash));
};
