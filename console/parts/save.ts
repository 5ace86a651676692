import { messageOf } from "../../src/base/message_of.ts";
import { tell } from "./toasts.tsx";

/** Gives somebody a file that the page has made. */
export function download(
  name: string,
  type: string,
  content: string | Uint8Array<ArrayBuffer>,
): void {
  saveBlob(name, new Blob([content], { type }));
}

export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Copies a text, and says that it is done, or why not. */
export async function copy(text: string, done = "Copied"): Promise<void> {
  try {
    await toClipboard(text);
    tell(done);
  } catch (error) {
    tell(messageOf(error), true);
  }
}

/** Rejects where the browser does not let it: without HTTPS it may not. */
async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    return await navigator.clipboard.writeText(text);
  }
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error("The browser does not let the page copy");
}
