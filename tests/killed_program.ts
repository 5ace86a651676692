/** Runs a program until it has said `lines` lines, or that it is at its end, and kills it; what it has said. */
export async function runAndKill(
  program: string,
  args: readonly string[],
  lines: number,
): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", program, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (text.split("\n").length <= lines && !text.endsWith("end\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
  return text;
}
