/** The Authorization header of a user whose name and password are of ASCII. */
export function basic(username: string, password: string): string {
  return `Basic ${btoa(`${username}:${password}`)}`;
}
