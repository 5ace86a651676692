import { messageOf } from "../base/message_of.ts";
import { joinInSlices, Slices } from "../base/slices.ts";
import type { AppState } from "./app_state.ts";
import { ArrivingBody } from "./arriving_body.ts";
import { BodyParts, LargeBody } from "./large_body.ts";
import { nextTurn } from "./next_turn.ts";
import { BrokenBodyError, RequestError } from "./request_error.ts";
import { headerOf } from "./request_header.ts";

/** Bodies up to this size whose length is given are read at once, and take nothing of the budget. */
const smallBytesMax = 64 * 1024;

/**
 * Bodies beyond this size are for Workers: to read one of numbers takes the main thread as long as
 * it may take for anything (measured: up to 100 ns a byte).
 */
export const largeBytesMin = 256 * 1024;

/**
 * The whole body, in one piece unless it is large. Throws a RequestError as soon as it exceeds the
 * limit (413), or all bodies under way together exceed theirs (503), and a BrokenBodyError when a
 * large one pauses for too long.
 */
export function readBody(app: AppState, request: Request): Promise<Uint8Array | LargeBody> {
  const { bodyBytesMax } = app.limits;
  if (isSmall(request, bodyBytesMax)) {
    return smallBody(request).then((body) => {
      if (body.length > bodyBytesMax) throw tooLarge(bodyBytesMax);
      const turn = app.turnBudget.admit(body.length);
      return turn === undefined ? body : turn.then(() => body);
    }, throwBroken);
  }
  if (request.body === null) return Promise.resolve(new Uint8Array(0));
  return readGathered(app, new ArrivingBody(request.body, app.limits.bodyPauseMsMax), bodyBytesMax);
}

/** Whether a body is so small, by what its client says of it, that it is read at once. */
export function isSmall(request: Request, bytesMax: number): boolean {
  // With a length given the server reads no more than that; without chunks to count it is faster.
  const length = headerOf(request, "content-length");
  return length !== null && Number(length) <= Math.min(smallBytesMax, bytesMax) &&
    headerOf(request, "transfer-encoding") === null;
}

/** All of a small body; rejects when the client breaks it off. */
export function smallBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  setArriving(request, true);
  return request.bytes().then((body) => {
    setArriving(request, false);
    return body;
  });
}

/** On a request whose small body is awaited; a set of them would cost every request more. */
const awaited = Symbol("a small body is awaited");

interface Awaited {
  [awaited]?: boolean;
}

function setArriving(request: Request & Awaited, is: boolean): void {
  request[awaited] = is;
}

/** Whether a small body is awaited, which nobody can give up but by ending the connection. */
export function isArriving(request: Request & Awaited): boolean {
  return request[awaited] === true;
}

/** A body of a few words, however large others may be. */
export async function readShortBody(app: AppState, request: Request): Promise<Uint8Array> {
  const body = await readBody(app, request);
  if (!(body instanceof LargeBody)) return body;
  body[Symbol.dispose]();
  throw tooLarge(largeBytesMin);
}

function tooLarge(bytesMax: number): RequestError {
  return new RequestError(413, `request body exceeds ${bytesMax} bytes`);
}

async function readGathered(
  app: AppState,
  arriving: ArrivingBody,
  bytesMax: number,
): Promise<Uint8Array | LargeBody> {
  const body = await gather(app, { arriving, first: [], bytesMax });
  if (body.length > largeBytesMin) return body;
  using _ = body;
  await app.turnBudget.admit(body.length);
  return await joinInSlices(body.parts, nextTurn);
}

/** A body of which some may have been read. */
interface Begun {
  readonly arriving: ArrivingBody;
  /** The chunks that it has given already. */
  readonly first: readonly Uint8Array[];
  readonly bytesMax: number;
}

/** All of a body in one piece. */
export async function gatherRest(app: AppState, begun: Begun): Promise<Uint8Array> {
  using body = await gather(app, begun);
  return await joinInSlices(body.parts, nextTurn);
}

async function gather(
  app: AppState,
  { arriving, first, bytesMax }: Begun,
): Promise<LargeBody> {
  const share = app.bodies.share();
  const parts = new BodyParts();
  const slices = new Slices(nextTurn);
  const add = (chunk: Uint8Array) => {
    if (parts.length + chunk.length > bytesMax) throw tooLarge(bytesMax);
    share.take(chunk.length);
    parts.add(chunk);
  };
  try {
    for (const chunk of first) add(chunk);
    for (;;) {
      const { value, done } = await arriving.read();
      if (done) return new LargeBody(parts.take(), parts.length, share);
      add(value);
      // What has arrived already is handed over without a turn of the event loop in between.
      const due = slices.spent(value.length);
      if (due !== undefined) await due;
    }
  } catch (error) {
    share[Symbol.dispose]();
    throw error;
  } finally {
    await arriving.cancel();
  }
}

function throwBroken(error: unknown): never {
  throw new BrokenBodyError(error);
}

/** Both keep a byte order mark, which JSON does not allow. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** A body of JSON as text: bytes that are no UTF-8 become U+FFFD, as in Go. */
export function jsonText(body: Uint8Array): string {
  return lenient.decode(body);
}

/** A body of SQL as text; undefined when it is no UTF-8, since to mend it would change what it writes. */
export function sqlText(body: Uint8Array): string | undefined {
  try {
    return strict.decode(body);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A body of JSON in UTF-8; throws a RequestError (400) for any other. */
export function jsonValue(body: Uint8Array): unknown {
  try {
    return JSON.parse(strict.decode(body));
  } catch (error) {
    throw new RequestError(400, `The body is not JSON in UTF-8: ${messageOf(error)}`);
  }
}

/** How rqlite refuses such SQL. */
export const notUtf8 = "string field contains invalid UTF-8";
