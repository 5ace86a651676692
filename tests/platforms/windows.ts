/**
 * What of this runs on Windows, by Wine: `deno task test:windows`. It takes minutes.
 */

import { windowsDeno } from "./foreign_deno.ts";
import { testOn } from "./register.ts";

const prefix = await Deno.makeTempDir({ prefix: "raftlite-wine-" });
testOn(await windowsDeno(prefix), {
  rooms: "the lower rooms hold on Windows",
  cluster: "nodes on Linux and Windows are one cluster with one database",
});
addEventListener("unload", () => Deno.removeSync(prefix, { recursive: true }));
