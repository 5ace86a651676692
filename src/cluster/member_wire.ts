import type { JoinCredentials } from "../access/admission.ts";
import type { Requester } from "../access/types.ts";
import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { AddressError, parseAddress, withoutScheme } from "../io/address.ts";
import type { Member, NodeId, Suffrage } from "../raft/types.ts";
import type { Wish } from "./role_plan.ts";

// The payloads of those requests of wire.ts, and in its form, that are about who is a member.

/** The longest id or address, in characters: that of the transport's introduction. */
const textMax = 1024;

/** Id, address and httpAddress of a server, such as a configuration may keep for good. */
type Place = Pick<Member, "id" | "address" | "httpAddress">;

function writePlace(writer: ByteWriter, { id, address, httpAddress }: Place): void {
  writer.text(id);
  writer.text(address);
  writer.text(httpAddress);
}

function readPlace(reader: ByteReader): Place {
  const id = reader.text();
  const address = reader.text();
  const httpAddress = reader.text();
  if (id === "" || [id, address, httpAddress].some(({ length }) => length > textMax)) {
    throw new FormatError("A server's id or address is empty or too long");
  }
  try {
    parseAddress(address);
    if (httpAddress !== "") parseAddress(withoutScheme(httpAddress));
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new FormatError(error.message, { cause: error });
  }
  return { id, address, httpAddress };
}

export interface JoinCall {
  /** Names the node and its present data: a known node under another id has lost what it had. */
  readonly id: NodeId;
  readonly address: string;
  readonly httpAddress: string;
  readonly suffrage: Suffrage;
  /** A member passes the request on to the leader: it is passed on no further. */
  readonly relayed: boolean;
  readonly timeoutMs: number;
  /** The node's SQLite, as encodeProfile writes it: the leader need not be who was asked. */
  readonly sqlite: Uint8Array;
  /** Of the user in whose name it joins; not of one that is relayed. */
  readonly credentials?: JoinCredentials | undefined;
  /** Of one that is relayed: in whose name the node was let in, and where it asked from. */
  readonly requester?: Requester | undefined;
}

/** Nothing, or username and password. */
function writeCredentials(writer: ByteWriter, credentials: JoinCredentials | undefined): void {
  if (credentials === undefined) return;
  writer.text(credentials.username);
  writer.text(credentials.password);
}

function readCredentials(reader: ByteReader): { readonly credentials?: JoinCredentials } {
  if (reader.remaining === 0) return {};
  const credentials = { username: reader.text(), password: reader.text() };
  reader.end();
  return { credentials };
}

/**
 * id, address, httpAddress, learner u8, relayed u8, timeoutMs u64, sqlite as bytes; then credentials,
 * or when it is relayed the requester: nodes of before the audit take that for credentials, which
 * they do not look at in what a member relays.
 */
export function encodeJoin(call: JoinCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writePlace(writer, call);
  writer.uint8(call.suffrage === "learner" ? 1 : 0);
  writer.uint8(call.relayed ? 1 : 0);
  writer.integer(call.timeoutMs);
  writer.bytes(call.sqlite);
  if (call.relayed) writeRequester(writer, call.requester);
  else writeCredentials(writer, call.credentials);
  return writer.copy();
}

export function decodeJoin(payload: Uint8Array): JoinCall {
  const reader = new ByteReader(payload);
  const call = {
    ...readPlace(reader),
    suffrage: reader.uint8() === 1 ? "learner" as const : "staging" as const,
    relayed: reader.uint8() === 1,
    timeoutMs: reader.integer(),
    sqlite: reader.bytes(),
  };
  return { ...call, ...(call.relayed ? readRequester(reader) : readCredentials(reader)) };
}

/** Nothing, or username ("" for nobody who is known) and address. */
function writeRequester(writer: ByteWriter, requester: Requester | undefined): void {
  if (requester === undefined) return;
  writer.text(requester.username ?? "");
  writer.text(requester.address);
}

/** Nodes of before the audit say nothing of who asked, and pass over what is said. */
function readRequester(reader: ByteReader): { readonly requester?: Requester } {
  if (reader.remaining === 0) return {};
  const username = reader.text();
  return {
    requester: { username: username === "" ? undefined : username, address: reader.text() },
  };
}

export interface RemoveCall {
  /** Of the node to remove. */
  readonly name: string;
  /** Who asked the node that passes it on. */
  readonly requester?: Requester | undefined;
}

/** name, requester. */
export function encodeRemove(call: RemoveCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.text(call.name);
  writeRequester(writer, call.requester);
  return writer.copy();
}

export function decodeRemove(payload: Uint8Array): RemoveCall {
  const reader = new ByteReader(payload);
  return { name: reader.text(), ...readRequester(reader) };
}

export interface StepDownCall {
  /** The name of the node that is to lead; undefined: the most advanced voter. */
  readonly name: string | undefined;
  readonly wait: boolean;
  /** Who asked the node that passes it on. */
  readonly requester?: Requester | undefined;
}

/** wait u8, name ("" for any), requester. */
export function encodeStepDown(call: StepDownCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(call.wait ? 1 : 0);
  writer.text(call.name ?? "");
  writeRequester(writer, call.requester);
  return writer.copy();
}

export function decodeStepDown(payload: Uint8Array): StepDownCall {
  const reader = new ByteReader(payload);
  const wait = reader.uint8() === 1;
  const name = reader.text();
  return { name: name === "" ? undefined : name, wait, ...readRequester(reader) };
}

export interface RaiseCall {
  readonly version: number;
  /** Who asked the node that passes it on. */
  readonly requester?: Requester | undefined;
}

/** version u16, requester. */
export function encodeRaise(call: RaiseCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint16(call.version);
  writeRequester(writer, call.requester);
  return writer.copy();
}

export function decodeRaise(payload: Uint8Array): RaiseCall {
  const reader = new ByteReader(payload);
  return { version: reader.uint16(), ...readRequester(reader) };
}

/** A node that waits to form a cluster, as it tells the others: id, address, httpAddress. */
export function encodeNotify(
  member: Member,
  credentials?: JoinCredentials,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writePlace(writer, member);
  writeCredentials(writer, credentials);
  return writer.copy();
}

export interface NotifyCall {
  readonly member: Member;
  readonly credentials?: JoinCredentials;
}

export function decodeNotify(payload: Uint8Array): NotifyCall {
  const reader = new ByteReader(payload);
  const member: Member = { ...readPlace(reader), suffrage: "voter" };
  return { member, ...readCredentials(reader) };
}

/** The answer to a notify: where else nodes may be waiting. count u8, addresses. */
export function encodeAddresses(writer: ByteWriter, addresses: readonly string[]): void {
  writer.uint8(addresses.length);
  for (const address of addresses) writer.text(address);
}

export function decodeAddresses(reader: ByteReader): string[] {
  return Array.from({ length: reader.uint8() }, () => reader.text());
}

export interface FormCall {
  /** First all promise, then each is told that it is so. */
  readonly phase: "prepare" | "commit";
  readonly clusterId: string;
  /** The server that is meant: another one of its name may answer at its address by now. */
  readonly to: NodeId;
}

/** phase u8 (0 prepare, 1 commit), clusterId, to. */
export function encodeForm(call: FormCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(call.phase === "commit" ? 1 : 0);
  writer.text(call.clusterId);
  writer.text(call.to);
  return writer.copy();
}

export function decodeForm(payload: Uint8Array): FormCall {
  const reader = new ByteReader(payload);
  const phase = reader.uint8() === 1 ? "commit" : "prepare";
  const clusterId = reader.text();
  const to = reader.text();
  reader.end();
  return { phase, clusterId, to };
}

const wishes: readonly Wish[] = ["voter", "standby", "replica"];

/** What a member's flags ask for it to be. */
export interface WishCall {
  readonly wish: Wish;
  /** Of the user in whose name it would get a vote. */
  readonly credentials?: JoinCredentials | undefined;
}

/** wish u8 (0 voter, 1 standby, 2 replica), credentials. */
export function encodeWish({ wish, credentials }: WishCall): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(wishes.indexOf(wish));
  writeCredentials(writer, credentials);
  return writer.copy();
}

/** Throws a FormatError. */
export function decodeWish(payload: Uint8Array): WishCall {
  const reader = new ByteReader(payload);
  const wish = wishes[reader.uint8()];
  if (wish === undefined) throw new FormatError("Unknown wish of a node");
  return { wish, ...readCredentials(reader) };
}
