import { hasZstd } from "../base/zstd.ts";
import { momentForm, momentOf, type Point } from "./archive/moment.ts";
import type { Compression } from "../store/types.ts";
import { type Environment, expandVariables } from "./environment.ts";
import { ConfigError, JsonFields, parseJson } from "../base/json_fields.ts";

/** Where backups go, as a configuration file says it. Texts may be empty. */
export type Destination =
  | {
    readonly type: "s3";
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly endpoint: string;
    readonly region: string;
    readonly bucket: string;
    readonly path: string;
    readonly forcePathStyle: boolean;
  }
  | {
    readonly type: "gcs";
    readonly endpoint: string;
    readonly bucket: string;
    readonly name: string;
    readonly credentialsPath: string;
  }
  | { readonly type: "file"; readonly directory: string; readonly name: string };

export interface AutoBackupConfig {
  readonly destination: Destination;
  readonly intervalMs: number;
  /** Each backup has a name of its own, with its time. */
  readonly timestamp: boolean;
  readonly compression: Compression;
  readonly vacuum: boolean;
  /** Between two checks by a real restore; 0 for none. */
  readonly verifyIntervalMs: number;
  /** How many backups with a time in their names are kept; 0 for all. */
  readonly keepCount: number;
  /** How old they may become, in ms; 0 for any age. */
  readonly keepMs: number;
}

export interface AutoRestoreConfig {
  readonly destination: Destination;
  readonly timeoutMs: number;
  readonly continueOnFailure: boolean;
  /** It is an archive, and this its moment; undefined for a backup. */
  readonly point: Point | undefined;
}

const defaultVerifyIntervalMs = 24 * 3_600_000;
const defaultRestoreTimeoutMs = 30_000;
/** An archive has more to be fetched, and all of its log to be applied. */
export const defaultArchiveTimeoutMs = 24 * 3_600_000;
/** Of the file. */
const newestVersion = 1;

const backupKeys = [
  "interval",
  "timestamp",
  "no_compress",
  "compression",
  "vacuum",
  "verify_interval",
  "keep",
  "keep_for",
] as const;
const restoreKeys = ["timeout", "continue_on_failure", "archive", "at", "index"] as const;

export interface Parsed<Config> {
  readonly config: Config;
  /** Keys that mean nothing here. */
  readonly unknownKeys: readonly string[];
}

/** Reads the file of -auto-backup; throws a ConfigError with rqlite's words where it has some. */
export function parseAutoBackup(text: string, environment: Environment): Parsed<AutoBackupConfig> {
  const fields = fieldsOf(text, environment);
  const timestamp = fields.flag("timestamp");
  const compression = compressionIn(fields);
  const vacuum = fields.flag("vacuum");
  checkVersion(fields);
  const intervalMs = fields.duration("interval") ?? 0;
  const kind = typeOf(fields);
  if (intervalMs <= 0) throw new ConfigError("invalid interval");
  const { destination, unknownKeys } = destinationIn(fields, kind);
  const keep = fields.whole("keep");
  const keepMs = fields.duration("keep_for") ?? 0;
  if (keep < 0 || keepMs < 0) throw new ConfigError("keep and keep_for must not be negative");
  if ((keep > 0 || keepMs > 0) && !timestamp) {
    throw new ConfigError("keep and keep_for need timestamp: without it there is one backup");
  }
  const verifyIntervalMs = fields.duration("verify_interval") ?? defaultVerifyIntervalMs;
  if (verifyIntervalMs < 0) throw new ConfigError("verify_interval must not be negative");
  fields.pass(...restoreKeys);
  return {
    config: {
      destination,
      intervalMs,
      timestamp,
      compression,
      vacuum,
      verifyIntervalMs,
      keepCount: keep,
      keepMs,
    },
    unknownKeys: [...fields.unknown, ...unknownKeys],
  };
}

/** Reads the file of -auto-restore, which may be that of -auto-backup. */
export function parseAutoRestore(
  text: string,
  environment: Environment,
): Parsed<AutoRestoreConfig> {
  const fields = fieldsOf(text, environment);
  const continueOnFailure = fields.flag("continue_on_failure");
  checkVersion(fields);
  const kind = typeOf(fields);
  const point = pointIn(fields);
  const timeoutMs = fields.duration("timeout") ??
    (point === undefined ? defaultRestoreTimeoutMs : defaultArchiveTimeoutMs);
  if (timeoutMs <= 0) throw new ConfigError("invalid interval");
  const { destination, unknownKeys } = destinationIn(fields, kind);
  fields.pass(...backupKeys);
  return {
    config: { destination, timeoutMs, continueOnFailure, point },
    unknownKeys: [...fields.unknown, ...unknownKeys],
  };
}

/** The moment of an archive that the file asks for. */
function pointIn(fields: JsonFields): Point | undefined {
  const isArchive = fields.flag("archive");
  const at = fields.text("at");
  const index = fields.whole("index");
  if (at !== "" && index !== 0) throw new ConfigError("at and index exclude each other");
  if (index < 0) throw new ConfigError("index must not be negative");
  if (index > 0) return { type: "index", index };
  if (at === "") return isArchive ? { type: "newest" } : undefined;
  const time = momentOf(at);
  if (time === undefined) throw new ConfigError(`invalid at: write it as ${momentForm}`);
  return { type: "time", time };
}

/** Reads where a file of either kind leads, whatever else it says. */
export function parseDestination(text: string, environment: Environment): Destination {
  const fields = fieldsOf(text, environment);
  checkVersion(fields);
  return destinationIn(fields, typeOf(fields)).destination;
}

/** What either file says. */
function fieldsOf(text: string, environment: Environment): JsonFields {
  return new JsonFields(parseJson(expandVariables(text, environment)), "Config");
}

function checkVersion(fields: JsonFields): void {
  if (fields.whole("version") > newestVersion) throw new ConfigError("invalid version");
}

function typeOf(fields: JsonFields): Destination["type"] {
  const kind = fields.get("type");
  if (kind === "s3" || kind === "gcs" || kind === "file") return kind;
  throw new ConfigError("unsupported storage type");
}

function compressionIn(fields: JsonFields): Compression {
  const off = fields.flag("no_compress");
  const name = fields.text("compression");
  if (name === "") return off ? "none" : "gzip";
  if (name !== "gzip" && name !== "zstd") {
    throw new ConfigError(`compression must be gzip or zstd, not ${name}`);
  }
  if (off) throw new ConfigError("no_compress and compression exclude each other");
  if (name === "zstd" && !hasZstd()) {
    throw new ConfigError(`this version of Deno, ${Deno.version.deno}, has no zstd: use gzip`);
  }
  return name;
}

function destinationIn(
  fields: JsonFields,
  type: Destination["type"],
): { readonly destination: Destination; readonly unknownKeys: readonly string[] } {
  const value = fields.get("sub");
  if (value === undefined) throw new ConfigError("unexpected end of JSON input");
  const sub = new JsonFields(value, `${type}.Config`);
  const destination = readDestination(sub, type);
  return { destination, unknownKeys: sub.unknown.map((key) => `sub.${key}`) };
}

function readDestination(sub: JsonFields, type: Destination["type"]): Destination {
  switch (type) {
    case "s3":
      return {
        type,
        accessKeyId: sub.text("access_key_id"),
        secretAccessKey: sub.text("secret_access_key"),
        endpoint: sub.text("endpoint"),
        region: sub.text("region"),
        bucket: sub.text("bucket"),
        path: sub.text("path"),
        forcePathStyle: sub.flag("force_path_style"),
      };
    case "gcs":
      sub.pass("project_id");
      return {
        type,
        endpoint: sub.text("endpoint"),
        bucket: sub.text("bucket"),
        name: sub.text("name"),
        credentialsPath: sub.text("credentials_path"),
      };
    case "file":
      return { type, ...fileIn(sub) };
  }
}

function fileIn(sub: JsonFields): { readonly directory: string; readonly name: string } {
  const directory = sub.text("dir");
  const name = sub.text("name");
  if (!/^(\/|[A-Za-z]:[\\/])/.test(directory)) {
    throw new ConfigError(`directory path must be absolute: ${directory || "."}`);
  }
  if (name === "" || name === "." || name === ".." || /[\\/]/.test(name)) {
    throw new ConfigError(
      `invalid file parameter: ${name} (must be a simple filename without path separators)`,
    );
  }
  return { directory, name };
}
