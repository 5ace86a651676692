import { gatherExtensions, removeExtensions } from "../extensions/gather.ts";
import type { Logger } from "../io/types.ts";
import type { ExtensionChoice } from "../member/openers.ts";
import type { ExtensionFlags } from "./extension_flags.ts";

/** Where a node keeps its copies of them, in its data directory. */
export function extensionDirectory(dataDirectory: string): string {
  return `${dataDirectory}/extensions`;
}

/** Copies the extensions that are asked for into `directory`; rejects with an Error that says what is wrong. */
export async function prepareExtensions(
  { paths, safe }: ExtensionFlags,
  { directory, logger }: { readonly directory: string; readonly logger: Logger },
): Promise<ExtensionChoice> {
  if (paths.length > 0) {
    return { files: await gatherExtensions(paths, { directory, logger }), safe };
  }
  await removeExtensions(directory);
  return { files: [], safe };
}
