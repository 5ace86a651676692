/** Closes a connection that may be closed already: by its client, or by Deno's server. */
export function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
