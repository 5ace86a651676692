import type { Clock } from "../io/types.ts";
import { openDirectory, openGcs, openS3 } from "../object_store/open_store.ts";
import type { ObjectMetadata, ObjectStore } from "../object_store/types.ts";
import type { Destination } from "./config.ts";

/** A place for backups under one name, and how rqlite marks them there. */
export interface OpenDestination {
  readonly store: ObjectStore;
  /** The key of a backup without a time in its name. */
  readonly key: string;
  /** As rqlite names it, for people. */
  readonly name: string;
  /** The store has compared what it got with the checksum of what was sent. */
  readonly checksItself: boolean;
  /** The metadata that rqlite gives an object; empty where it gives it none. */
  metadata(id: string): ObjectMetadata;
  /** The object that rqlite writes beside; undefined where it writes none. */
  besides(
    id: string,
    key: string,
    wallTime: number,
  ): { readonly key: string; readonly text: string } | undefined;
}

/** Rejects with an Error that says which value or file is wrong. */
export async function openDestination(
  destination: Destination,
  clock: Clock,
): Promise<OpenDestination> {
  const none = () => undefined;
  switch (destination.type) {
    case "s3":
      return {
        store: await openS3(destination, clock),
        key: destination.path,
        name: s3Name(destination),
        checksItself: true,
        metadata: (id) => ({ "x-rqlite-auto-backup-id": id }),
        besides: none,
      };
    case "gcs":
      return {
        store: await openGcs(destination, clock),
        key: destination.name,
        name: `gs://${destination.bucket}/${destination.name}`,
        checksItself: true,
        metadata: (id) => ({ "rqlite-auto-backup-id": id }),
        besides: none,
      };
    case "file": {
      const { directory, name } = destination;
      return {
        store: await openDirectory(directory),
        key: name,
        name: `dir:${directory}, file:${name}`,
        checksItself: false,
        metadata: () => ({}),
        besides: (id, key, timestamp) => ({
          key: "METADATA.json",
          text: JSON.stringify({ id, timestamp, name: `${directory.replace(/\/$/, "")}/${key}` }),
        }),
      };
    }
  }
}

function s3Name(
  { endpoint, bucket, path }: { endpoint: string; bucket: string; path: string },
): string {
  if (endpoint === "" || /amazonaws\.com\/?$/.test(endpoint)) return `s3://${bucket}/${path}`;
  // One that was given with a password is shown without.
  return `${endpoint.replace(/\/\/[^/@]*@/, "//").replace(/\/$/, "")}/${bucket}/${path}`;
}

/** `dir/db.sqlite3` as `dir/20261128215037_db.sqlite3`, in UTC. */
export function keyAt(key: string, wallTime: number): string {
  const time = new Date(wallTime).toISOString().replace(/\D/g, "").slice(0, 14);
  const end = key.lastIndexOf("/") + 1;
  return `${key.slice(0, end)}${time}_${key.slice(end)}`;
}

/** Whether a key is the one, or that with a time. */
export function isKeyOf(key: string, other: string): boolean {
  const end = key.lastIndexOf("/") + 1;
  if (!other.startsWith(key.slice(0, end))) return false;
  return other.slice(end).replace(/^\d{14}_/, "") === key.slice(end).replace(/^\d{14}_/, "");
}
