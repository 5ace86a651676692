import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { firstVersion } from "../raft/cluster_version.ts";
import { beginFrame, endFrame, FrameType } from "./frame.ts";

/** What a connection is for. */
export type Purpose = "messages" | "stream";

/** How each end introduces itself. */
export interface Hello {
  /** 16 hex digits; "" for a node that has not joined a cluster. */
  readonly clusterId: string;
  readonly nodeId: string;
  /** Where the node may be reached, as it advertises itself. */
  readonly address: string;
  readonly purpose: Purpose;
  /** What the node's `Agreement` tells; empty when it has none. */
  readonly agreement: Uint8Array;
  /** The newest version of clusters that the node understands; told in the preamble. */
  readonly version: number;
}

/** What is told in the place of a hello. */
export interface Rejection {
  readonly rejected: string;
  /** As a hello's. */
  readonly version: number;
}

export const protocolVersion = 4;
/** Magic, protocol version, version of clusters. */
export const preambleBytes = 12;
/** No hello is longer; nothing larger is taken from a connection that has not introduced itself. */
export const helloBytesMax = 16_384;
/** Of them, for the agreement. */
export const agreementBytesMax = 12_288;

/** The other end runs a raftlite whose nodes talk in another way. */
export class ProtocolVersionError extends FormatError {
  override name = "ProtocolVersionError";
}

/** The other end speaks TLS, which this node does not between nodes. */
export class TlsSpokenError extends FormatError {
  override name = "TlsSpokenError";
}

/** The other end speaks HTTP. Whose port is the wrong one depends on who called. */
export class HttpSpokenError extends FormatError {
  override name = "HttpSpokenError";
}

const magic = new TextEncoder().encode("raftlite");
const textBytesMax = 1024;

/** What a connection begins with: the preamble and a hello, or a reject in its place. */
export function encodeOpening(answer: Hello | Rejection): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(magic);
  writer.uint16(protocolVersion);
  writer.uint16(answer.version);
  assert(writer.length === preambleBytes, "The preamble is not as long as readers take it to be");
  if ("rejected" in answer) {
    const start = beginFrame(writer, FrameType.reject);
    writer.text(answer.rejected);
    endFrame(writer, start);
  } else {
    writeHello(writer, answer);
  }
  return writer.view();
}

/** Writes a hello frame: the first of a connection, and again when a node has joined. */
export function writeHello(writer: ByteWriter, hello: Hello): void {
  const start = beginFrame(writer, FrameType.hello);
  writer.text(hello.clusterId);
  writer.text(hello.nodeId);
  writer.text(hello.address);
  writer.uint8(hello.purpose === "messages" ? 0 : 1);
  writer.bytes(hello.agreement);
  endFrame(writer, start);
}

/** `version` is what the preamble in front of it, or of the connection's first one, says. */
export function decodeHello(body: Uint8Array, version: number): Hello {
  const reader = new ByteReader(body);
  const clusterId = reader.text();
  const nodeId = reader.text();
  const address = reader.text();
  const purpose = reader.uint8();
  const agreement = reader.bytes();
  reader.end();
  if (clusterId !== "" && !isClusterId(clusterId)) {
    throw new FormatError(`Cluster id ${JSON.stringify(clusterId.slice(0, 40))} is not one`);
  }
  if (nodeId === "" || nodeId.length > textBytesMax) throw new FormatError("Node id is not one");
  if (address.length > textBytesMax) throw new FormatError("Advertised address is too long");
  if (purpose > 1) throw new FormatError(`Connection of unknown purpose ${purpose}`);
  return {
    clusterId,
    nodeId,
    address,
    purpose: purpose === 0 ? "messages" : "stream",
    agreement,
    version,
  };
}

export function decodeReject(body: Uint8Array): string {
  const reader = new ByteReader(body);
  const text = reader.text();
  reader.end();
  return text;
}

/**
 * Looks at the first bytes of a connection, as many as have come. When the preamble is whole and
 * sound, returns the newest version of clusters that the other end understands, undefined when more
 * is needed; a FormatError says who else might be calling.
 */
export function readPreamble(bytes: Uint8Array): number | undefined {
  const count = Math.min(bytes.length, magic.length);
  for (let i = 0; i < count; i++) {
    if (bytes[i] !== magic[i]) throw strangerError(bytes);
  }
  if (bytes.length < preambleBytes) return undefined;
  const reader = new ByteReader(bytes, magic.length);
  const version = reader.uint16();
  if (version !== protocolVersion) {
    const [age, older] = version > protocolVersion ? ["a newer", "this one"] : ["an older", "it"];
    throw new ProtocolVersionError(
      `Protocol version ${version} is not ours, ${protocolVersion}: it runs ${age} raftlite; upgrade ${older}`,
    );
  }
  // The first release wrote 0 here, and looked at nothing.
  return Math.max(firstVersion, reader.uint16());
}

function strangerError(bytes: Uint8Array): FormatError {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|HTTP)/.test(start)) {
    return new HttpSpokenError(
      "It speaks HTTP, but this is the Raft port: clients belong on the HTTP port",
    );
  }
  if (bytes[0] === 0x16 && (bytes[1] ?? 3) === 3) {
    return new TlsSpokenError(
      "It speaks TLS, the node that it called has none between nodes: give that one -node-cert and -node-key (or -node-auto-tls) too, " +
        "or the first -node-accept-plain while a cluster goes over",
    );
  }
  return new FormatError("It is not a raftlite node: wrong magic");
}

/** Whether `text` names a cluster; a node without one has "" in its place. */
export function isClusterId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/** Why two ends cannot belong together; undefined when they can. A node without a cluster may talk to any. */
export function clusterConflict(own: string, theirs: string): string | undefined {
  if (own === "" || theirs === "" || own === theirs) return undefined;
  return `Wrong cluster: it belongs to ${theirs}, this node to ${own}`;
}

/** Why a node does not fit into a cluster of `needed`; undefined when it does. */
export function versionConflict(needed: number, { version }: Hello): string | undefined {
  if (version >= needed) return undefined;
  return `Too old: the cluster has version ${needed}, its raftlite knows versions up to ${version} only: start a newer release there`;
}
