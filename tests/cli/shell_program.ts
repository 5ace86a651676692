import { fileURLToPath } from "node:url";

const mainFile = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** The command line of a shell: of RAFTLITE_BINARY, or of main.ts under this Deno. */
export function shellCommand(...flags: string[]): string[] {
  const binary = Deno.env.get("RAFTLITE_BINARY");
  const program = binary ? [binary] : [Deno.execPath(), "run", "-A", "--quiet", mainFile];
  return [...program, "shell", ...flags];
}

export interface ShellRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell in a pipe, from `input` to its end. */
export async function runShell(
  flags: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ShellRun> {
  const [command = "", ...args] = shellCommand(...flags);
  const child = new Deno.Command(command, {
    args,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
