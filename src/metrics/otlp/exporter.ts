import { Buffer } from "node:buffer";
import { credentials } from "@grpc/grpc-js";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as HttpMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcSpans } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as HttpSpans } from "@opentelemetry/exporter-trace-otlp-proto";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { OtlpOptions } from "./types.ts";

/** How long one push may take, its retries included, in ms. */
const pushMsMax = 10_000;

/** What carries metrics to the collector; headers are in OTEL_EXPORTER_OTLP_HEADERS. */
export function metricExporter(options: OtlpOptions): PushMetricExporter {
  return options.protocol === "http"
    ? new HttpMetrics(overHttp(options, "/v1/metrics"))
    : new GrpcMetrics(overGrpc(options));
}

/** The same for spans. */
export function spanExporter(options: OtlpOptions): SpanExporter {
  return options.protocol === "http"
    ? new HttpSpans(overHttp(options, "/v1/traces"))
    : new GrpcSpans(overGrpc(options));
}

function overHttp(options: OtlpOptions, path: string) {
  const { insecure, noVerify } = options;
  const url = originOf(options) + path;
  if (insecure) return { url, timeoutMillis: pushMsMax };
  const httpAgentOptions = { ...pem(options), rejectUnauthorized: !noVerify };
  return { url, timeoutMillis: pushMsMax, httpAgentOptions };
}

function overGrpc(options: OtlpOptions) {
  const { insecure, noVerify } = options;
  const { ca = null, key = null, cert = null } = pem(options);
  return {
    url: originOf(options),
    timeoutMillis: pushMsMax,
    credentials: insecure
      ? credentials.createInsecure()
      : credentials.createSsl(ca, key, cert, { rejectUnauthorized: !noVerify }),
  };
}

function originOf({ endpoint, insecure }: OtlpOptions): string {
  return `${insecure ? "http" : "https"}://${endpoint}`;
}

function pem({ ca, key, cert }: OtlpOptions) {
  return { ca: bufferOf(ca), key: bufferOf(key), cert: bufferOf(cert) };
}

function bufferOf(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}
