/**
 * Runs `deno test` with the arguments given (every test without any), shows its output as it comes,
 * and ends with a line `N passed, N failed` for whoever counts. The exit code is deno test's.
 */
import { stripVTControlCharacters } from "node:util";
import { print } from "../src/cli/output.ts";

/** What one run of `deno test` says at its end. */
export interface TestCount {
  readonly passed: number;
  readonly failed: number;
}

const summaryLine = /^(?:ok|FAILED) \| (\d+) passed\b.*? \| (\d+) failed\b/gm;

/** Sums up the summary lines of `deno test`; a run that ended badly without one is one failure. */
export function countTests(output: string, exitCode: number): TestCount {
  const plain = stripVTControlCharacters(output);
  let passed = 0;
  let failed = 0;
  for (const match of plain.matchAll(summaryLine)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
  }
  return { passed, failed: exitCode !== 0 && failed === 0 ? 1 : failed };
}

async function main(args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", ...(args.length === 0 ? ["tests"] : args)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    for (let rest = chunk; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
    output += decoder.decode(chunk, { stream: true });
  }
  const { code } = await child.status;
  const { passed, failed } = countTests(output, code);
  print(`${passed} passed, ${failed} failed\n`);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
