/** Fewer characters can be guessed: whoever sees a certificate can try secrets against it at leisure. */
const charactersMin = 32;
/** Random hex digits have far more; "secretsecretsecret…" has six. */
const differentMin = 10;
/** A secret, and the one before it or after it while nodes go over. */
const secretsMax = 2;

/** Reads the lines of a file of secrets; throws an Error that names `path` and how to make one. */
export function readSecrets(contents: Uint8Array, path: string): readonly string[] {
  const lines = new TextDecoder().decode(contents).split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const wayOut = `; make one by: openssl rand -hex 32 > ${path}`;
  if (lines.length === 0) throw new Error(`${path} has no secret${wayOut}`);
  if (lines.length > secretsMax) {
    throw new Error(
      `${path} has ${lines.length} secrets, one a line: there are two at most, the one that is used and another that is trusted`,
    );
  }
  for (const [index, line] of lines.entries()) {
    const which = `The secret in line ${index + 1} of ${path}`;
    if (line.length < charactersMin) {
      throw new Error(
        `${which} has ${line.length} characters, and must have ${charactersMin} at least${wayOut}`,
      );
    }
    if (new Set(line).size < differentMin) {
      throw new Error(`${which} is no random text: too few of its characters differ${wayOut}`);
    }
  }
  return lines;
}
