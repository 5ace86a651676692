/** Room for any address (sockaddr_storage), in bytes. */
const addressBytes = 128;

/** The number of AF_INET on every system; that of AF_INET6 differs. */
const inet = 2;

/** A socket's address, as getpeername and getsockname write it: room to be used again and again. */
export class SocketAddress {
  readonly bytes = new Uint8Array(addressBytes);
  readonly #length = new Uint32Array(1);

  /** To be handed over beside the bytes. */
  get length(): Uint32Array<ArrayBuffer> {
    this.#length[0] = addressBytes;
    return this.#length;
  }

  get port(): number {
    const [, , high = 0, low = 0] = this.bytes;
    return high * 256 + low;
  }

  /** As `addressKey` has it, IPv4 or IPv6; "" for none. */
  get key(): string {
    const { bytes, port } = this;
    const [first = 0, second = 0] = bytes;
    const family = Deno.build.os === "darwin" ? second : first;
    if (family === inet) return addressKey(bytes.subarray(4, 8).join("."), port);
    if (port === 0) return "";
    const groups = Array.from({ length: 8 }, (_, index) => {
      const [left = 0, right = 0] = bytes.subarray(8 + 2 * index, 10 + 2 * index);
      return (left * 256 + right).toString(16);
    });
    return addressKey(groups.join(":"), port);
  }
}

/** The same text for the same address, however it is written. */
export function addressKey(host: string, port: number): string {
  return host.includes(":")
    ? `${URL.parse(`http://[${host}]`)?.hostname} ${port}`
    : `${host} ${port}`;
}
