import { buildLibrary } from "../../src/sqlite/build.ts";
import { packageFile } from "../../src/sqlite/npm_package.ts";
import { runProgram } from "../../src/sqlite/program.ts";
import type { ForeignDeno } from "../cluster/harness.ts";

/** Deno asks nobody whether there is a newer one, and reads only packages that are here. */
const quiet = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };

/** Why something cannot be run here; undefined where it can. */
async function missing(...programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", `command -v ${program}`],
      stdin: "null",
      stdout: "null",
    }).output();
    if (!success) return `there is no ${program}`;
  }
  return undefined;
}

/**
 * Deno for Linux on arm64, of this Deno's version, under qemu's emulation of a processor, with the
 * pinned SQLite compiled for it. Debian has it in the packages qemu-user-static,
 * gcc-aarch64-linux-gnu and libc6-dev-arm64-cross. Or why there is none here.
 */
export async function arm64Deno(): Promise<ForeignDeno | string> {
  const qemu = "qemu-aarch64-static";
  const lacks = await missing(qemu, "aarch64-linux-gnu-gcc");
  if (lacks !== undefined) return lacks;
  const deno = await packageFile("@deno/linux-arm64-glibc", Deno.version.deno, "deno");
  const library = await buildLibrary({ target: "aarch64-unknown-linux-gnu" });
  return {
    command: [qemu, "-L", "/usr/aarch64-linux-gnu", deno],
    environment: { ...quiet, DENO_SQLITE_PATH: library },
    endsOnSignal: true,
    pathOf: (path) => path,
  };
}

/** The first Wine that has what V8 asks of Windows' memory (placeholders of VirtualAlloc2). */
const wineVersionMin = 10;

/**
 * Deno for Windows, of this Deno's version, under Wine, with the pinned SQLite compiled for it. `wine`
 * is that of RAFTLITE_WINE or of the PATH; Debian 13 has one that is new enough, and mingw in
 * gcc-mingw-w64-x86-64. Or why there is none here.
 *
 * @param prefix A folder for what Wine takes for the machine.
 */
export async function windowsDeno(prefix: string): Promise<ForeignDeno | string> {
  const wine = Deno.env.get("RAFTLITE_WINE") ?? "wine";
  const lacks = await missing(wine, "x86_64-w64-mingw32-gcc");
  if (lacks !== undefined) return lacks;
  const environment = { WINEPREFIX: prefix, WINEDEBUG: "-all" };
  const outputOf = async (...args: string[]) => {
    const { stdout } = await new Deno.Command(wine, { args, env: environment, stdin: "null" })
      .output();
    return new TextDecoder().decode(stdout).trim();
  };
  const version = await outputOf("--version");
  if (!(Number(/^wine-(\d+)/.exec(version)?.[1]) >= wineVersionMin)) {
    return `${version} is older than wine-${wineVersionMin}`;
  }
  await outputOf("wineboot", "-i");
  await outputOf("reg", "add", "HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f");
  const pathOf = (path: string) => `Z:${path.replaceAll("/", "\\")}`;
  const { denoDir } = JSON.parse(await runProgram(Deno.execPath(), ["info", "--json"], 60_000));
  const library = await buildLibrary({ target: "x86_64-pc-windows-msvc" });
  return {
    command: [wine, await packageFile("@deno/win32-x64", Deno.version.deno, "deno.exe")],
    environment: {
      ...quiet,
      ...environment,
      DENO_DIR: pathOf(denoDir),
      DENO_SQLITE_PATH: pathOf(library),
    },
    endsOnSignal: false,
    pathOf,
  };
}
