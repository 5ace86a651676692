import type { Clock } from "../../io/types.ts";
import { openDirectory } from "../../object_store/open_store.ts";
import type { Destination } from "../config.ts";
import { openDestination } from "../destination.ts";
import type { ArchivePlace } from "./layout.ts";

/** @param directory Absolute. */
export async function archiveDirectory(directory: string): Promise<ArchivePlace> {
  return { store: await openDirectory(directory), prefix: "", name: directory };
}

/** An archive where a configuration's path or name leads, which is a folder then. */
export async function archiveAt(destination: Destination, clock: Clock): Promise<ArchivePlace> {
  const { store, key, name } = await openDestination(destination, clock);
  const prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
  return { store, prefix, name };
}
