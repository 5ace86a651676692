/// <reference lib="deno.worker" />
import { messageOf } from "../base/message_of.ts";
import { type BodyReading, type BodyTask, readLargeBody } from "./body_task.ts";

/** The answer to the task of that number. */
export interface BodyReply {
  readonly id: number;
  readonly reading: BodyReading | { readonly type: "failed"; readonly message: string };
}

function reply(reply: BodyReply): void {
  const { reading } = reply;
  const buffers = reading.type !== "statements"
    ? []
    : [reading.bytes.buffer, ...(reading.inspection ? [reading.inspection.buffer] : [])];
  self.postMessage(reply, buffers);
}

self.onmessage = ({ data }: MessageEvent<BodyTask>) => {
  try {
    reply({ id: data.id, reading: readLargeBody(data) });
  } catch (error) {
    reply({ id: data.id, reading: { type: "failed", message: messageOf(error) } });
  }
};
