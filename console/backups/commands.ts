/** A word of a command line, in quotes where a shell would take it apart. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command that makes a file of what an archive had at a moment, or has now. */
export function restoreCommand(target: string, at: string | undefined): string {
  const moment = at === undefined ? "" : ` -at ${at}`;
  return `raftlite restore -from ${shellWord(target)}${moment} restored.sqlite3`;
}

/** What a field of the browser's own time says, as UTC to the second; undefined for nothing. */
export function utcOf(local: string): string | undefined {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
