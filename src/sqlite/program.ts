import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** As much of a program's complaints as an error repeats. */
const messageLength = 1000;

/** As much of a program's output as is kept, in characters. */
const outputLengthMax = 1_000_000;

/**
 * What sh runs "$@" with: the program, and all that it starts, as a compiler does, are a group of
 * processes that is ended as soon as nobody holds the other end of standard input any more.
 */
const untilInputEnds =
  'exec 3<&0; { read -r _ <&3; kill 0; } & "$@" 3<&- </dev/null; code=$?; kill $!; exit $code';

/** What sh ends with when a program is not there, or none. */
const notRunCodes: readonly (number | null)[] = [126, 127];

/**
 * Runs a program to its end and returns its output; throws with what it wrote on standard error. It
 * does not outlive this process, however that ends; on Windows it may.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const child = start(program, args);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end(child);
  }, timeoutMs);
  const [output, complaints, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    exitCode(child),
  ]);
  clearTimeout(timer);
  if (code === 0) return output;
  if (notRunCodes.includes(code)) {
    throw new Error(`Program ${program} can't be run: is it installed?`);
  }
  const [reason = ""] = complaints.trim().split("\n\nStack backtrace");
  throw new Error(
    late
      ? `Program ${program} did not end within ${timeoutMs} ms`
      : `Program ${program} failed: ${reason.slice(0, messageLength)}`,
  );
}

function start(program: string, args: readonly string[]) {
  const env = {
    ...Deno.env.toObject(),
    // The system's certificates too, behind a proxy with one of its own: older Denos trust only their own.
    DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system",
  };
  return Deno.build.os === "windows"
    ? spawn(program, args, { env })
    : spawn("sh", ["-c", untilInputEnds, "sh", program, ...args], { env, detached: true });
}

function end(child: ChildProcess): void {
  if (Deno.build.os === "windows") child.kill();
  else child.stdin?.destroy();
}

/** The exit code; null for a program that a signal ended. */
function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", resolve);
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const piece of stream.setEncoding("utf8")) {
    if (text.length < outputLengthMax) text += piece;
  }
  return text;
}
