import { Buffer } from "node:buffer";
import { credentials } from "@grpc/grpc-js";
import { OTLPMetricExporter as GrpcExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as HttpExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { OtlpOptions } from "./types.ts";

/** How long one push may take, its retries included, in ms. */
const pushMsMax = 10_000;

/** What carries metrics to the collector; headers are in OTEL_EXPORTER_OTLP_HEADERS. */
export function metricExporter(options: OtlpOptions): PushMetricExporter {
  const { endpoint, protocol, insecure, noVerify } = options;
  const origin = `${insecure ? "http" : "https"}://${endpoint}`;
  const [ca, cert, key] = [options.ca, options.cert, options.key].map(bufferOf);
  if (protocol === "http") {
    return new HttpExporter({
      url: `${origin}/v1/metrics`,
      timeoutMillis: pushMsMax,
      ...(insecure ? {} : { httpAgentOptions: { ca, cert, key, rejectUnauthorized: !noVerify } }),
    });
  }
  const verifying = { rejectUnauthorized: !noVerify };
  return new GrpcExporter({
    url: origin,
    timeoutMillis: pushMsMax,
    credentials: insecure
      ? credentials.createInsecure()
      : credentials.createSsl(ca ?? null, key ?? null, cert ?? null, verifying),
  });
}

function bufferOf(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes);
}
