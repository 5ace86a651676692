import { dirname } from "node:path";
import { extensionsIn, gatherExtensions, removeExtensions } from "../extensions/gather.ts";
import type { Logger } from "../io/types.ts";
import type { ExtensionChoice } from "../member/openers.ts";
import { hasNode } from "./data_directory.ts";
import type { ExtensionFlags } from "./extension_flags.ts";

/** Where a node keeps its copies of them, in its data directory. */
export function extensionDirectory(dataDirectory: string): string {
  return `${dataDirectory}/extensions`;
}

interface Place {
  readonly directory: string;
  readonly logger: Logger;
}

/**
 * Copies the extensions that are asked for into `directory`; rejects with an Error that says what is
 * wrong. Warns when they are others than at the last start of a node that has data: what its log has
 * and its database not is applied with these.
 */
export async function prepareExtensions(
  { paths, safe }: ExtensionFlags,
  place: Place,
): Promise<ExtensionChoice> {
  const before = await extensionsIn(place.directory);
  const files = paths.length > 0 ? await gatherExtensions(paths, place) : [];
  if (paths.length === 0) await removeExtensions(place.directory);
  const now = files.map(({ name, sha256 }) => ({ name, sha256 }));
  if (JSON.stringify(before) !== JSON.stringify(now) && await hasNode(dirname(place.directory))) {
    const list = (of: typeof now) => of.map(({ name }) => name).join(", ") || "none";
    place.logger.log(
      "WARN",
      "extensions",
      `Extensions are others than at the last start (before: ${list(before)}; now: ${
        list(now)
      }): ` +
        "entries of the log that were not applied yet are applied with these",
    );
  }
  return { files, safe };
}
