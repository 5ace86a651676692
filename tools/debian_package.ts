/**
 * Makes a Debian package of the compiled program: dist/raftlite_VERSION-REVISION_ARCHITECTURE.deb.
 * Needs dpkg-deb. What it holds beside the program is in tools/debian, or made of the flags' table.
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { messageOf } from "../src/base/message_of.ts";
import { bashScript } from "../src/cli/completion/bash.ts";
import { fishScript } from "../src/cli/completion/fish.ts";
import { completed } from "../src/cli/completion/table.ts";
import { zshScript } from "../src/cli/completion/zsh.ts";
import { licenseText } from "../src/cli/license_text.ts";
import { print, printError } from "../src/cli/output.ts";
import { unitText } from "../src/cli/unit_text.ts";
import { version } from "../src/cli/version.ts";
import { commandLine } from "./command_line.ts";
import { manPage } from "./man_page.ts";

const usage = `Usage: deno task package-debian [--program FILE] [--revision N] [--quick]

Makes dist/raftlite_*.deb of FILE, a compiled program for Linux (dist/raftlite). Of one version the
next package has the next revision. --quick packs it faster, to twice the size.`;

const options = {
  program: { type: "string", default: "dist/raftlite" },
  revision: { type: "string", default: "1" },
  quick: { type: "boolean" },
} as const;

const root = fileURLToPath(new URL("..", import.meta.url));
const scripts = ["postinst", "prerm", "postrm"];
const configuration = "/etc/raftlite/raftlite.conf";

/** Debian's names of what is at byte 18 of an ELF file. */
const architectures = new Map([[0x3e, "amd64"], [0xb7, "arm64"]]);

/** What a package tells of a program. */
interface Program {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly architecture: string;
  /** The oldest C library that it can be linked with, as "2.27". */
  readonly glibc: string;
}

async function readProgram(path: string): Promise<Program> {
  const bytes = await Deno.readFile(path);
  const architecture = architectures.get(bytes[18] ?? 0);
  if (new TextDecoder().decode(bytes.subarray(1, 4)) !== "ELF" || architecture === undefined) {
    throw new Error(`${path} is no program for Linux on x86-64 or arm64`);
  }
  return { path, bytes, architecture, glibc: newestGlibc(bytes) };
}

/** By the names of symbol versions in it, those of the SQLite inside too. */
function newestGlibc(bytes: Uint8Array): string {
  const minors = new TextDecoder("latin1").decode(bytes).matchAll(/GLIBC_2\.(\d{1,2})\0/g);
  return `2.${Math.max(...Array.from(minors, ([, minor]) => Number(minor)))}`;
}

function controlFile(program: Program, revision: string, installedBytes: number): string {
  return `Package: raftlite
Version: ${version}-${revision}
Architecture: ${program.architecture}
Maintainer: the raftlite authors <raftlite@localhost>
Installed-Size: ${Math.ceil(installedBytes / 1024)}
Depends: adduser, init-system-helpers, libc6 (>= ${program.glibc}), libgcc-s1
Section: database
Priority: optional
Description: SQLite database kept identical on several machines
 One program keeps the same SQLite database on several machines, by the Raft
 protocol, and any of them answers over HTTP. It speaks rqlite's HTTP API.
`;
}

/** The unit of the package: as raftlite systemd-unit prints it, for a user that stays. */
function packageUnit(): string {
  return unitText({
    command: ["/usr/bin/raftlite", `-config=${configuration}`, "/var/lib/raftlite"],
    stateDirectory: "raftlite",
    ports: [4001, 4002],
    settings: [
      "EnvironmentFile=-/etc/default/raftlite",
      "LogsDirectory=raftlite",
      "LogsDirectoryMode=0700",
    ],
  });
}

async function copyrightText(): Promise<string> {
  return `${await Deno.readTextFile(`${root}LICENSE`)}\n${licenseText}`;
}

/** Puts the package's files below `tree`, as they are to be on a machine. */
async function layOut(tree: string, program: Program, revision: string): Promise<void> {
  const document = "/usr/share/doc/raftlite";
  const changelog = await Deno.readTextFile(`${root}.github/CHANGELOG.md`);
  const files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
    "/usr/bin/raftlite": program.bytes,
    "/usr/lib/systemd/system/raftlite.service": packageUnit(),
    [configuration]: await Deno.readTextFile(`${root}tools/debian/raftlite.conf`),
    "/usr/share/bash-completion/completions/raftlite": bashScript(completed),
    "/usr/share/zsh/vendor-completions/_raftlite": zshScript(completed),
    "/usr/share/fish/vendor_completions.d/raftlite.fish": fishScript(completed),
    "/usr/share/man/man1/raftlite.1.gz": new Uint8Array(gzipSync(manPage())),
    [`${document}/changelog.gz`]: new Uint8Array(gzipSync(changelog)),
    [`${document}/copyright`]: await copyrightText(),
  };
  let installed = 0;
  for (const [path, content] of Object.entries(files)) {
    installed += content.length;
    await put(tree + path, content, path.startsWith("/usr/bin/") ? 0o755 : 0o644);
  }
  await put(`${tree}/DEBIAN/control`, controlFile(program, revision, installed), 0o644);
  await put(`${tree}/DEBIAN/conffiles`, `${configuration}\n`, 0o644);
  for (const name of scripts) {
    await put(`${tree}/DEBIAN/${name}`, await Deno.readFile(`${root}tools/debian/${name}`), 0o755);
  }
}

async function put(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
  mode: number,
): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await Deno.writeFile(path, bytes);
  await Deno.chmod(path, mode);
}

/** Makes the package and returns its path. */
export async function packageProgram(
  path: string,
  { revision, quick }: { readonly revision: string; readonly quick: boolean },
): Promise<string> {
  if (!/^[\w.+~]+$/.test(revision)) throw new Error(`A revision is letters and digits, as 2`);
  const program = await readProgram(path);
  const tree = await Deno.makeTempDir({ prefix: "raftlite-package-" });
  try {
    await Deno.chmod(tree, 0o755);
    await layOut(tree, program, revision);
    await Deno.mkdir(`${root}dist`, { recursive: true });
    const output = `${root}dist/raftlite_${version}-${revision}_${program.architecture}.deb`;
    const packing = quick ? ["-Zgzip", "-z1"] : ["-Zxz"];
    const { success } = await new Deno.Command("dpkg-deb", {
      args: ["--root-owner-group", ...packing, "--build", tree, output],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("dpkg-deb could not make the package");
    return output;
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values: { program, revision, quick = false } } = commandLine(usage, { options });
  try {
    print(`${await packageProgram(program, { revision, quick })}\n`);
    return 0;
  } catch (error) {
    printError(`fatal: ${messageOf(error)}\n`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
