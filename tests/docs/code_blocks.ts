import { strict as assert } from "node:assert";

/** The code blocks of a page in one language, with the number of the line that each begins at. */
export function codeBlocks(
  markdown: string,
  language: string,
): readonly { readonly line: number; readonly code: string }[] {
  const found = markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"));
  return [...found].map(({ index, 1: code = "" }) => ({
    line: markdown.slice(0, index).split("\n").length + 1,
    code,
  }));
}

/**
 * Puts the nodes that a test has in place of the addresses that a page gives for examples, and has
 * its clients wait for as long as a busy machine may take over the loss of a leader.
 */
export function withNodes(code: string, urls: readonly string[]): string {
  const named = code.replace(/http:\/\/10\.0\.0\.(\d):4001/g, (_, number) => {
    const url = urls[Number(number) - 1];
    assert(url !== undefined, `An example names node ${number}, of ${urls.length}`);
    return url;
  });
  return named.replace(/(new Client\(\[[^\]]*\])\)/g, "$1, { timeoutMs: 120_000 })");
}
