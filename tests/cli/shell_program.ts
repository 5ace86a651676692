import { fileURLToPath } from "node:url";

const mainFile = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** The command line of the program: of RAFTLITE_BINARY, or of main.ts under this Deno. */
export function programCommand(...args: readonly string[]): string[] {
  const binary = Deno.env.get("RAFTLITE_BINARY");
  const program = binary ? [binary] : [Deno.execPath(), "run", "-A", "--quiet", mainFile];
  return [...program, ...args];
}

export function shellCommand(...flags: string[]): string[] {
  return programCommand("shell", ...flags);
}

export interface ProgramRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell in a pipe, from `input` to its end. */
export async function runShell(
  flags: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  return await runProgram(["shell", ...flags], input, env);
}

/** Runs the program with a pipe for its standard input, to its end. */
export async function runProgram(
  programArgs: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const [command = "", ...args] = programCommand(...programArgs);
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
