import type { KnownCaller } from "../../access/known_caller.ts";
import type { AuditEvent } from "../../audit/types.ts";
import type { WriteAnswer } from "../../cluster/types.ts";
import type { LogLevel } from "../../io/types.ts";
import type { Results } from "../../store/types.ts";
import type {
  ReadingStart,
  SlowStatement,
  StatementFigures,
} from "../../store/read/outside_readers.ts";
import type { TlsCredentials } from "../../tls/credentials.ts";
import type { ConnectionLimits } from "../connection_watch.ts";
import type { ClientCertificates } from "../node_listener.ts";

/** A request that a thread has taken in and another is to carry out. */
export interface PassedRequest {
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** A stream where it is large, or its length is not given. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The client's, without its port. */
  readonly address: string;
  /** Whether the thread wants to know who it is, so that it can let the next one in by itself. */
  readonly asksWho: boolean;
}

/** The answer to it. */
export interface PassedAnswer {
  readonly id: number;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Who has asked, where that was asked and is known. */
  readonly caller?: KnownCaller | undefined;
}

/** What became of a write that was handed over: to be answered there, or answered already. */
export type HandedOutcome = WriteAnswer | PassedAnswer;

/** What became of some writes. Nearly all are as the columns say, which cost less than objects. */
export interface HandedOutcomes {
  /** Of those that this node carried out, for the first time. */
  readonly ids: readonly number[];
  readonly results: readonly Results[];
  readonly indexes: readonly number[];
  readonly others: readonly (readonly [id: number, outcome: HandedOutcome])[];
}

/** Levels at which a thread reads once the main one has confirmed that it may. */
export type ConfirmedLevel = "weak" | "linearizable";

/** What a thread is to do and to know. */
export interface ServingStart {
  readonly hostname: string;
  readonly port: number;
  /** What it shows over TLS; undefined for plain HTTP. */
  readonly shown: TlsCredentials | undefined;
  /** What is asked of clients' certificates; undefined when none is asked for. */
  readonly clients: ClientCertificates | undefined;
  /** Whether an audit wants to know who is kept out. */
  readonly isAudited: boolean;
  readonly limits: ConnectionLimits;
  /** Memory of the UsersEpoch; undefined where nobody is asked who they are. */
  readonly users: SharedArrayBuffer | undefined;
  /** Largest body of a request, in bytes. */
  readonly bodyBytesMax: number;
  /** Which of those that serve it is: 1 is the main one. */
  readonly thread: number;
  /** Memory of a ConnectionCount, and of a ConnectionTable. */
  readonly connections: SharedArrayBuffer;
  readonly table: SharedArrayBuffer;
  /** Memory of its ThreadFigures. */
  readonly figures: SharedArrayBuffer;
  /** Memory of the node's LeasePermit. */
  readonly permit: SharedArrayBuffer;
  /** Whether writes may be read by the thread: where they are traced the main one sees all of each. */
  readonly readsWrites: boolean;
  readonly rqliteVersion: string;
  readonly allowOrigin: string;
  readonly httpAddress: string;
}

/** From the main thread to one that serves HTTP. */
export type ToThread =
  | { readonly type: "start"; readonly serving: ServingStart; readonly reading: ReadingStart }
  /** What the main thread's clock showed some time after the thread had asked. */
  | { readonly type: "clock"; readonly nowMs: number }
  | { readonly type: "answers"; readonly answers: readonly PassedAnswer[] }
  | { readonly type: "written"; readonly outcomes: HandedOutcomes }
  /** What was asked in that round is confirmed, or it is not and others are to find out why. */
  | { readonly type: "confirmed"; readonly round: number; readonly confirmed: boolean }
  /** It may read the database from now on. */
  | { readonly type: "resume" }
  /** It must let go of the database's file, and say so. */
  | { readonly type: "release" }
  | { readonly type: "statements" }
  /** To show these to new connections, and to say so. */
  | { readonly type: "renew"; readonly shown: TlsCredentials }
  | { readonly type: "close_older" }
  /** To accept no more, and to say when the requests under way have ended. */
  | { readonly type: "stop" };

/** The other way. */
export type FromThread =
  /** It listens, and asks what time it is. */
  | { readonly type: "clock" }
  | { readonly type: "requests"; readonly requests: readonly PassedRequest[] }
  /** As many as a ReceivedWrite reads of it. */
  | { readonly type: "writes"; readonly batch: Uint8Array<ArrayBuffer> }
  /** The client of that request has gone. */
  | { readonly type: "gone"; readonly id: number }
  | { readonly type: "confirm"; readonly round: number; readonly level: ConfirmedLevel }
  /** With why it cannot. */
  | { readonly type: "renewed"; readonly failure: string | undefined }
  | { readonly type: "released" }
  | { readonly type: "statements"; readonly figures: readonly StatementFigures[] }
  | { readonly type: "slow"; readonly statement: SlowStatement }
  /** For the audit: behind what it told before, and before it says that it has stopped. */
  | { readonly type: "audit"; readonly event: AuditEvent }
  | { readonly type: "log"; readonly level: LogLevel; readonly room: string; readonly text: string }
  | { readonly type: "stopped" };
