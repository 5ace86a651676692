/** Closes a connection that may be closed already: by its client, or by Deno's server. */
export function closeQuietly(connection: Pick<Deno.Conn, "close">): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
