/**
 * A body each piece of which is alone in its buffer, and its client's: nobody needs it once it is sent,
 * so that its memory can be given back then (`client_activity.ts`). To V8 these buffers are garbage by
 * the gigabyte, for which it goes through all of the heap again and again.
 */
export class OwnPieces extends ReadableStream<Uint8Array<ArrayBuffer>> {}
