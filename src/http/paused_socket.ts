import type { Socket } from "node:net";

/** What lies below a socket of TLS, as Deno and Node have it. */
interface OverAnother {
  readonly _parent?: { readonly _handle?: Readable | null } | null;
}

interface Readable {
  readStop?(): void;
  readStart?(): void;
}

/**
 * Takes no more of what comes, until it is resumed. Under TLS Deno (2.9) goes on reading from the socket
 * below one that is paused, and keeps all that comes, however much that is:
 * `findings/deno_tls_socket_pause.sh` shows it.
 */
export function pauseSocket(socket: Socket): void {
  socket.pause();
  handleBelow(socket)?.readStop?.();
}

export function resumeSocket(socket: Socket): void {
  if (!socket.isPaused()) return;
  socket.resume();
  handleBelow(socket)?.readStart?.();
}

function handleBelow(socket: Socket & OverAnother): Readable | undefined {
  return socket._parent?._handle ?? undefined;
}
