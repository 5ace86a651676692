import { connect } from "node:tls";
import { SocketConnection } from "../../tls/socket_connection.ts";
import type { TlsOptions } from "../client_access.ts";
import type { Endpoint } from "./endpoint.ts";

/** What goes to a server and comes back, encrypted or not. */
export interface ByteStream {
  /** Resolves with null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves with how many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Resolves once all bytes are taken. */
export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await stream.write(rest));
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Rejects when there is nobody, or somebody whose certificate is not to be believed. */
export async function openStream({ address, tls }: Endpoint): Promise<ByteStream> {
  const at = { hostname: address.host, port: address.port };
  if (tls !== undefined) return await (tls.rejectUnauthorized ? openTls : openInsecure)(at, tls);
  const connection = await Deno.connect(at);
  connection.setNoDelay(true);
  return connection;
}

/** Over Deno's own TLS, which costs the least. */
async function openTls(at: Address, { ca, cert, key }: TlsOptions): Promise<ByteStream> {
  const connection = await Deno.connectTls({
    ...at,
    alpnProtocols: ["http/1.1"],
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  });
  try {
    await connection.handshake();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Over node:tls, which costs more, but takes any certificate where Deno can. */
async function openInsecure(at: Address, tls: TlsOptions): Promise<ByteStream> {
  const { hostname: host, port } = at;
  const socket = connect({ host, port, ...tls, ALPNProtocols: ["http/1.1"] });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The connection ended in the TLS handshake")));
  });
  socket.setNoDelay(true);
  const connection = new SocketConnection(socket, `${host}:${port}`);
  return {
    read: (into) => connection.read(into),
    write: async (bytes) => {
      await connection.write(bytes);
      return bytes.length;
    },
    close: () => connection.close(),
  };
}
