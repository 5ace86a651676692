import type { Clock, Disk } from "../io/types.ts";
import type { Library, LibraryLocation } from "../sqlite/mod.ts";
import type { NumberedRequest, WriterReply } from "./apply/writer_messages.ts";
import type {
  HeldReadsReply,
  HeldReadsStart,
  NumberedHeldRequest,
} from "./apply/held_reads_thread.ts";
import type { CopyReply, CopyRequest, CopyStart } from "./copy/copy_thread.ts";
import type { ImageReply, ImagesStart, NumberedImageRequest } from "./copy/image_thread.ts";
import type { NumberedScrubRequest, ScrubReply, ScrubStart } from "./scrub/scrub_thread.ts";
import type { ReaderReply, ReaderRequest } from "./read/reader_thread.ts";

/** What the main thread and each kind of thread say to each other. */
export interface ThreadMessages {
  writer: { request: NumberedRequest; reply: WriterReply };
  reader: { request: ReaderRequest; reply: ReaderReply };
  held_reads: { request: HeldReadsStart | NumberedHeldRequest; reply: HeldReadsReply };
  copier: { request: CopyStart | CopyRequest; reply: CopyReply };
  images: { request: ImagesStart | NumberedImageRequest; reply: ImageReply };
  scrub: { request: ScrubStart | NumberedScrubRequest; reply: ScrubReply };
}

export type ThreadName = keyof ThreadMessages;
export type RequestTo<Name extends ThreadName> = ThreadMessages[Name]["request"];
export type ReplyOf<Name extends ThreadName> = ThreadMessages[Name]["reply"];

/** A thread as the main one sees it. Messages arrive in their order, as structured clones. */
export interface Thread<Request> {
  post(request: Request, transfer?: Transferable[]): void;
  /** Ends it wherever it stands; nothing more comes from it. */
  terminate(): void;
}

export interface ThreadHandlers<Reply> {
  receive(reply: Reply): void;
  /** It ended by itself, which none should. */
  died(reason: string): void;
}

/** Starts the threads that work beside the main one: Workers or, in the simulator, what stands for them. */
export interface Threads {
  start<Name extends ThreadName>(
    name: Name,
    handlers: ThreadHandlers<ReplyOf<Name>>,
  ): Thread<RequestTo<Name>>;
}

/** What a thread finds around it. */
export interface ThreadScope<Reply> {
  readonly clock: Clock;
  readonly disk: Disk;
  openLibrary(location: LibraryLocation): Library;
  /** To the main thread. */
  post(reply: Reply, transfer?: Transferable[]): void;
  /** Waits until shared memory no longer holds `value` there, or so long, as Atomics.wait does. */
  wait(words: Int32Array, at: number, value: number, timeoutMs: number): void;
}

/** What a thread runs: returns what is to be called with each message. */
export type ThreadProgram<Request, Reply> = (
  scope: ThreadScope<Reply>,
) => (request: Request) => void;

/** Bytes that are handed to another thread rather than copied for it. */
const transferBytesMin = 64 * 1024;

/**
 * What to transfer along with a message that carries `bytes`, which must be alone in their buffer:
 * handing a small buffer over takes the runtime longer than copying it (measured: 65 µs there and
 * back against 45).
 */
export function transferOf(bytes: Uint8Array<ArrayBuffer>): Transferable[] {
  return bytes.length < transferBytesMin ? [] : [bytes.buffer];
}
