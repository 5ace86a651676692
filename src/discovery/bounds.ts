import { messageOf } from "../base/message_of.ts";

/** What a name server or a key store may take for one answer, in ms. */
export const answerMsMax = 5_000;

/** No more addresses are taken: there are no larger clusters. */
const addressesMax = 255;

/** No answer of a key store is longer, in bytes. */
const bodyBytesMax = 1024 * 1024;

/** Sorted, each once, and not too many. */
export function bounded(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)].sort().slice(0, addressesMax);
}

/** The body of an answer; throws when it is too long. */
export async function bodyOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > bodyBytesMax) throw new Error("Its answer is too long");
  }
  return text + decoder.decode();
}

/** Why a request came to nothing, without what may be secret in it. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${answerMsMax / 1000} s`;
  }
  if (error instanceof Deno.errors.NotFound) return "no such host";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(cause);
}
