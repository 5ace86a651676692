/** The sub-command that measures servers. */
export function bench(_args: readonly string[]): Promise<number> {
  return Promise.resolve(0);
}
