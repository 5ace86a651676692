import project from "../../deno.json" with { type: "json" };

/** raftlite's own version. */
export const version: string = project.version;

/** The rqlite whose API this is: clients read it in headers and in /status. */
export const rqliteVersion = "v10.3.0";

/** What -version prints. */
export function versionText(): string {
  return `raftlite ${version} ${Deno.build.os} ${Deno.build.arch} deno ${Deno.version.deno}\n`;
}
