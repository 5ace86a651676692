/** Whether a program is there to be run. */
function isThere(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** A test that needs a program of others: its name says so where that is missing. */
export function testWith(
  program: string,
  name: string,
  fn: () => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeResources"> = {},
): void {
  const ignore = !isThere(program);
  const why = ignore ? ` (left out: there is no ${program})` : "";
  Deno.test({ name: `${name}${why}`, ignore, fn, ...options });
}

/** Runs a program to its end; what it said, and whether it was content. */
export async function run(
  program: string,
  args: readonly string[],
  input = "",
): Promise<{ readonly success: boolean; readonly output: string }> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
