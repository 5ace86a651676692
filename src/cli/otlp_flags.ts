import { parseAddress } from "../io/address.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagValues } from "./flag_values.ts";

/** Where metrics are to be pushed to; paths of files are "" for none. */
export interface OtlpConfiguration {
  readonly endpoint: string;
  readonly protocol: "grpc" | "http";
  readonly intervalMs: number;
  /** Part of the writes that are traced without their client asking for it. */
  readonly traceRatio: number;
  readonly insecure: boolean;
  readonly noVerify: boolean;
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}

const tlsFlags = ["otlp-no-verify", "otlp-ca-cert", "otlp-cert", "otlp-key"] as const;
/** All that do nothing by themselves, but for the interval, as in rqlite. */
const dependents = ["otlp-insecure", ...tlsFlags] as const;

/** Undefined when nothing is to be pushed; throws a FlagError with rqlite's texts, where it has them. */
export function otlpOf(values: FlagValues): OtlpConfiguration | undefined {
  const endpoint = values["otlp-endpoint"];
  refuse(values["otlp-interval"] <= 0, "-otlp-interval must be greater than zero");
  const protocol = values["otlp-protocol"];
  if (protocol !== "grpc" && protocol !== "http") {
    throw new FlagError(1, `-otlp-protocol ${JSON.stringify(protocol)}? It is grpc or http`);
  }
  if (endpoint === "") {
    const isIdle = dependents.some((flag) => values[flag]) || protocol !== "grpc" ||
      values["otlp-trace-ratio"] !== "0";
    refuse(isIdle, "OTLP options require -otlp-endpoint");
    return undefined;
  }
  checkEndpoint(endpoint);
  const insecure = values["otlp-insecure"];
  refuse(
    insecure && tlsFlags.some((flag) => values[flag]),
    "-otlp-insecure cannot be used with other OTLP TLS options",
  );
  refuse(
    (values["otlp-cert"] === "") !== (values["otlp-key"] === ""),
    "either both -otlp-cert and -otlp-key must be set, or neither",
  );
  return {
    endpoint,
    protocol,
    intervalMs: values["otlp-interval"],
    traceRatio: ratioOf(values["otlp-trace-ratio"]),
    insecure,
    noVerify: values["otlp-no-verify"],
    caPath: values["otlp-ca-cert"],
    certPath: values["otlp-cert"],
    keyPath: values["otlp-key"],
  };
}

function ratioOf(text: string): number {
  const ratio = text.trim() === "" ? NaN : Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new FlagError(1, `-otlp-trace-ratio ${JSON.stringify(text)}? It is a number from 0 to 1`);
}

function checkEndpoint(endpoint: string): void {
  refuse(endpoint.includes("://"), "-otlp-endpoint must not include a protocol scheme");
  try {
    const { host, port } = parseAddress(endpoint);
    if (host !== "" && port !== 0) return;
  } catch {
    // Said below.
  }
  throw new FlagError(1, "-otlp-endpoint is not a valid address");
}

function refuse(wrong: boolean, message: string): void {
  if (wrong) throw new FlagError(1, message);
}
