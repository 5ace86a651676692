import project from "../../deno.json" with { type: "json" };

/** raftlite's own version. */
export const version: string = project.version;

/** What -version prints. */
export function versionText(): string {
  return `raftlite ${version} ${Deno.build.os} ${Deno.build.arch} deno ${Deno.version.deno}\n`;
}
