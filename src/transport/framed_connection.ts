import { messageOf } from "../base/message_of.ts";
import { type Clock, type Connection, PeerRefusal } from "../io/types.ts";
import {
  DisagreementError,
  type Frame,
  FrameDecoder,
  FrameType,
  isViolation,
  ViolationError,
} from "./frame.ts";
import {
  decodeHello,
  decodeReject,
  encodeOpening,
  type Hello,
  helloBytesMax,
  HttpSpokenError,
  preambleBytes,
  ProtocolVersionError,
  type Purpose,
  readPreamble,
  TlsSpokenError,
} from "./handshake.ts";
import type { Local } from "./local.ts";
import { TransportError } from "./types.ts";

/** A connection that is read frame by frame, and whose writes go out one after the other. */
export class FramedConnection {
  readonly connection: Connection;
  readonly decoder = new FrameDecoder(helloBytesMax);
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  write(bytes: Uint8Array): Promise<void> {
    const write = this.#lastWrite.then(() => this.connection.write(bytes));
    this.#lastWrite = write.catch(() => {});
    return write;
  }

  /** The next frame; null at the end of the connection. */
  async readFrame(): Promise<Frame | null> {
    for (;;) {
      const frame = this.decoder.next();
      if (frame !== undefined) return frame;
      if (!await this.#readMore()) return null;
    }
  }

  /** Reads the preamble, which says what version the other end understands, and the frame behind it. */
  async readOpening(): Promise<{ readonly frame: Frame; readonly version: number }> {
    let version: number | undefined;
    while ((version = readPreamble(this.decoder.peek(preambleBytes))) === undefined) {
      if (!await this.#readMore()) throw new Error("The connection ended before the handshake");
    }
    this.decoder.skip(preambleBytes);
    const frame = await this.readFrame();
    if (frame === null) throw new Error("The connection ended in the middle of the handshake");
    return { frame, version };
  }

  async #readMore(): Promise<boolean> {
    const count = await this.connection.read(this.decoder.space());
    if (count !== null) this.decoder.advance(count);
    return count !== null;
  }
}

/** A connection whose other end has introduced itself. */
export interface Introduced {
  readonly framed: FramedConnection;
  readonly remote: Hello;
}

export interface Deadline {
  readonly clock: Clock;
  readonly delayMs: number;
  /** Called when it is over: makes the work end, and returns what to reject with. */
  readonly expire: () => Error;
}

/** Waits for `work` until the deadline. */
export async function withDeadline<T>(
  work: Promise<T>,
  { clock, delayMs, expire }: Deadline,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.after(delayMs, () => reject(expire()));
  try {
    return await Promise.race([work, promise]);
  } finally {
    timer.cancel();
  }
}

/**
 * Connects and introduces this node. Throws a TransportError: "unreachable", or "protocol" or
 * "incompatible" when the ends do not fit.
 */
export async function openConnection(
  local: Local,
  address: string,
  purpose: Purpose,
): Promise<Introduced> {
  const connection = await connect(local, address);
  const framed = new FramedConnection(connection);
  const { handshakeTimeoutMs } = local.limits;
  try {
    const remote = await withDeadline(introduceOurselves(local, framed, purpose), {
      clock: local.clock,
      delayMs: handshakeTimeoutMs,
      expire: () => {
        connection.close();
        return new Error(`No handshake within ${handshakeTimeoutMs} ms`);
      },
    });
    return { framed, remote };
  } catch (error) {
    connection.close();
    const why = error instanceof HttpSpokenError
      ? `${address} speaks HTTP: give the node's Raft address (-raft-addr, 4002 by default)`
      : `Node at ${address}: ${messageOf(error)}`;
    if (isViolation(error)) local.remoteLog.log("WARN", address, `Connection closed: ${why}`);
    const kind = error instanceof DisagreementError
      ? "incompatible"
      : isViolation(error)
      ? "protocol"
      : "unreachable";
    throw new TransportError(kind, why, { cause: error });
  }
}

async function connect(local: Local, address: string): Promise<Connection> {
  try {
    return await local.network.connect(address, local.limits.connectTimeoutMs);
  } catch (error) {
    if (error instanceof PeerRefusal) {
      const why = `Node at ${address}: ${error.message}`;
      local.remoteLog.log("WARN", address, `Connection closed: ${why}`);
      throw new TransportError("protocol", why, { cause: error });
    }
    throw new TransportError("unreachable", messageOf(error), { cause: error });
  }
}

async function introduceOurselves(
  local: Local,
  framed: FramedConnection,
  purpose: Purpose,
): Promise<Hello> {
  await framed.write(encodeOpening(local.hello(purpose)));
  const { frame, version } = await framed.readOpening();
  if (frame.type === FrameType.reject) {
    throw new ViolationError(`It refused the connection: ${decodeReject(frame.body)}`);
  }
  if (frame.type !== FrameType.hello) {
    throw new ViolationError(`Frame of type ${frame.type} in place of a hello`);
  }
  const remote = decodeHello(frame.body, version);
  local.checkCluster(remote);
  local.checkAgreement(remote);
  return remote;
}

/** Takes the introduction of whoever connected and answers it. Throws when they do not fit. */
export async function acceptIntroduction(local: Local, framed: FramedConnection): Promise<Hello> {
  const { frame, version } = await readCallersOpening(local, framed);
  if (frame.type !== FrameType.hello) {
    throw new ViolationError(`Frame of type ${frame.type} in place of a hello`);
  }
  const remote = decodeHello(frame.body, version);
  try {
    local.checkCluster(remote);
  } catch (error) {
    await framed.write(encodeOpening(local.rejection(error)));
    throw error;
  }
  // Also when they disagree: the caller is to find out with what, and says so on its side.
  await framed.write(encodeOpening(local.hello(remote.purpose)));
  local.checkAgreement(remote);
  return remote;
}

/** A caller that speaks in another way than this node is told so, for its own log to name it. */
async function readCallersOpening(
  local: Local,
  framed: FramedConnection,
): ReturnType<FramedConnection["readOpening"]> {
  try {
    return await framed.readOpening();
  } catch (error) {
    if (tellable.some((kind) => error instanceof kind)) {
      // Where it cannot be told, what is wrong with it still goes into this node's log.
      await framed.write(encodeOpening(local.rejection(error))).catch(() => {});
    }
    throw error;
  }
}

/** What a caller is told; to one that speaks TLS it is only a sign that this node does not. */
const tellable = [ProtocolVersionError, TlsSpokenError, PeerRefusal];
