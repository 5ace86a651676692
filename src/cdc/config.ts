import { messageOf } from "../base/message_of.ts";
import { ConfigError, JsonFields, parseJson } from "../base/json_fields.ts";
import { natsEndpoint } from "./nats.ts";

/** What -cdc-config says. Times are in ms. */
export interface CdcConfig {
  /** A URL, or "stdout". */
  readonly endpoint: string;
  /** "" for none. */
  readonly serviceId: string;
  /** Events as Debezium has them, with or without schemas; undefined: as rqlite. */
  readonly debezium: { readonly hasSchema: boolean } | undefined;
  /** Of messages to NATS. */
  readonly natsSubject: string;
  /** A file; "" for none. */
  readonly natsCredentialsFile: string;
  readonly rowIdsOnly: boolean;
  /** Undefined for all tables. */
  readonly tableFilter: RegExp | undefined;
  readonly tls: CdcTls | undefined;
  readonly batchSizeMax: number;
  readonly batchDelayMs: number;
  readonly watermarkIntervalMs: number;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  /** Tries of one message; 0 for no limit. */
  readonly triesMax: number;
  readonly doublesBackoff: boolean;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Paths of files; "" for none. */
export interface CdcTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly insecure: boolean;
  readonly serverName: string;
}

/** Groups in a message, whatever the file says: a message is built in memory. */
const batchSizeLimit = 100_000;

const defaults: CdcConfig = {
  endpoint: "",
  serviceId: "",
  debezium: undefined,
  natsSubject: "raftlite.changes",
  natsCredentialsFile: "",
  rowIdsOnly: false,
  tableFilter: undefined,
  tls: undefined,
  batchSizeMax: 10,
  batchDelayMs: 200,
  watermarkIntervalMs: 1_000,
  timeoutMs: 5_000,
  triesMax: 0,
  doublesBackoff: false,
  backoffMinMs: 1_000,
  backoffMaxMs: 30_000,
};

/** Whether a value of the flag says by itself where changes go; else it names a file. */
export function isCdcEndpoint(flag: string): boolean {
  return flag === "stdout" || /^(https?|nats|tls):\/\//.test(flag);
}

/** What a value of the flag says by itself; undefined when it names a file. */
export function cdcConfigOf(flag: string): CdcConfig | undefined {
  return isCdcEndpoint(flag) ? { ...defaults, endpoint: checkedEndpoint(flag) } : undefined;
}

/** Reads a file of -cdc-config, as rqlite's. Throws a ConfigError. */
export function parseCdcConfig(text: string): { config: CdcConfig; unknownKeys: string[] } {
  const fields = new JsonFields(parseJson(text), "cdc.Config");
  const config: CdcConfig = {
    endpoint: checkedEndpoint(fields.text("endpoint")),
    serviceId: fields.text("service_id"),
    debezium: debeziumOf(fields),
    natsSubject: natsSubject(fields.text("nats_subject")),
    natsCredentialsFile: fields.text("nats_credentials_file"),
    rowIdsOnly: fields.flag("row_ids_only"),
    tableFilter: tableFilter(fields.text("table_filter")),
    tls: tlsOf(fields.get("tls")),
    batchSizeMax: Math.min(positive(fields.whole("max_batch_size")) ?? 10, batchSizeLimit),
    batchDelayMs: positive(durationOf(fields, "max_batch_delay")) ?? defaults.batchDelayMs,
    watermarkIntervalMs: watermarkInterval(fields),
    timeoutMs: timeoutOf(durationOf(fields, "transmit_timeout")),
    triesMax: Math.max(0, fields.whole("transmit_max_retries")),
    doublesBackoff: retryPolicy(fields.get("transmit_retry_policy")),
    backoffMinMs: positive(durationOf(fields, "transmit_min_backoff")) ?? defaults.backoffMinMs,
    backoffMaxMs: positive(durationOf(fields, "transmit_max_backoff")) ?? defaults.backoffMaxMs,
  };
  if (config.debezium !== undefined && config.rowIdsOnly) {
    throw new ConfigError("row_ids_only is for rqlite's format: Debezium's has the rows");
  }
  if (isNats(config.endpoint) && (config.tls?.insecure || config.tls?.serverName)) {
    throw new ConfigError("insecure_skip_verify and server_name are not for NATS");
  }
  if (config.backoffMinMs > config.backoffMaxMs) {
    throw new ConfigError("transmit_min_backoff is longer than transmit_max_backoff");
  }
  return { config, unknownKeys: fields.unknown };
}

function debeziumOf(fields: JsonFields): CdcConfig["debezium"] {
  const format = fields.text("format");
  const hasSchema = fields.flag("debezium_schemas");
  if (format === "debezium") return { hasSchema };
  if (format !== "" && format !== "rqlite") {
    throw new ConfigError(`format must be "rqlite" or "debezium"`);
  }
  if (hasSchema) throw new ConfigError("debezium_schemas is for the format debezium");
  return undefined;
}

function natsSubject(subject: string): string {
  if (subject === "") return defaults.natsSubject;
  if (/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject)) return subject;
  throw new ConfigError(`nats_subject ${JSON.stringify(subject)} is none that can be published to`);
}

/** Whether messages go to NATS. */
export function isNats(endpoint: string): boolean {
  return /^(nats|tls):/i.test(endpoint);
}

/** Undefined for what means the default. */
function positive(value: number | undefined): number | undefined {
  return value === undefined || value <= 0 ? undefined : value;
}

/** A name at fault is told; JsonFields tells of the value alone. */
function durationOf(fields: JsonFields, key: string): number | undefined {
  try {
    return fields.duration(key);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${key}: ${error.message}`);
    throw error;
  }
}

function watermarkInterval(fields: JsonFields): number {
  const interval = durationOf(fields, "high_watermark_interval") ?? 0;
  if (interval < 0) throw new ConfigError("high_watermark_interval must not be negative");
  return interval === 0 ? defaults.watermarkIntervalMs : interval;
}

function timeoutOf(timeout: number | undefined): number {
  if (timeout === undefined || timeout === 0) return defaults.timeoutMs;
  return Math.max(0, timeout);
}

/** With the names of rqlite's documentation, which rqlite itself refuses. */
const policies: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ["linear", false],
  ["constant", false],
  ["exponential", true],
  ["LinearRetryPolicy", false],
  ["ExponentialRetryPolicy", true],
]);

/** Whether the pauses double. */
function retryPolicy(value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === "number") return value === 1;
  const doubles = policies.get(value);
  if (doubles !== undefined) return doubles;
  throw new ConfigError(`transmit_retry_policy must be 0, 1, "linear" or "exponential"`);
}

/** A pattern as RE2 has it, which writes flags and names in another way. */
function tableFilter(pattern: string): RegExp | undefined {
  if (pattern === "") return undefined;
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const rest = pattern.slice(flags?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  try {
    return new RegExp(rest, `u${flags?.[1] ?? ""}`);
  } catch {
    throw new ConfigError(`invalid regexp ${JSON.stringify(pattern)}`);
  }
}

function tlsOf(value: unknown): CdcTls | undefined {
  if (value === undefined) return undefined;
  const fields = new JsonFields(value, "cdc.TLSConfiguration");
  const tls = {
    caFile: fields.text("ca_cert_file"),
    certFile: fields.text("cert_file"),
    keyFile: fields.text("key_file"),
    insecure: fields.flag("insecure_skip_verify"),
    serverName: fields.text("server_name"),
  };
  if ((tls.certFile === "") !== (tls.keyFile === "")) {
    throw new ConfigError("tls needs both cert_file and key_file, or neither");
  }
  return tls;
}

function checkedEndpoint(endpoint: string): string {
  if (endpoint.toLowerCase() === "stdout") return "stdout";
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1] ?? "";
  if (isNats(endpoint)) {
    try {
      natsEndpoint(endpoint);
    } catch (error) {
      throw new ConfigError(`cdc: ${messageOf(error)}`);
    }
    return endpoint;
  }
  if (!/^https?$/i.test(scheme)) {
    throw new ConfigError(`cdc: unsupported scheme ${JSON.stringify(scheme)}`);
  }
  if (!URL.canParse(endpoint)) throw new ConfigError("cdc: endpoint is not a URL");
  return endpoint;
}
