import { type FlagSpec, hour } from "./flag_spec.ts";

/** The flags of what is pushed to a collector of OpenTelemetry. */
export const otlpFlags = {
  "otlp-endpoint": {
    kind: "text",
    group: "OTLP",
    default: "",
    value: "HOST:PORT",
    help: "Push the node's metrics, and traces of writes, to this collector of OpenTelemetry",
  },
  "otlp-protocol": {
    kind: "text",
    group: "OTLP",
    default: "grpc",
    value: "grpc|http",
    words: ["grpc", "http"],
    help: "How it is spoken to: by gRPC, or by Protobuf over HTTP, at /v1/metrics and /v1/traces",
  },
  "otlp-interval": {
    kind: "duration",
    group: "OTLP",
    default: "30s",
    value: "DURATION",
    help: "Time between two pushes",
    min: 0,
    max: hour,
  },
  "otlp-trace-ratio": {
    kind: "text",
    group: "OTLP",
    default: "0",
    value: "RATIO",
    help:
      "Part of the writes that are traced, 0 to 1, beside those whose client sends a traceparent that is recorded",
  },
  "otlp-insecure": {
    kind: "switch",
    group: "OTLP",
    default: "false",
    value: "",
    help: "Speak to it without TLS",
  },
  "otlp-no-verify": {
    kind: "switch",
    group: "OTLP",
    default: "false",
    value: "",
    help: "Take any certificate of the collector: encrypted, but by whom is not known",
  },
  "otlp-ca-cert": {
    kind: "text",
    group: "OTLP",
    default: "",
    value: "FILE",
    help:
      "Certificates (PEM) of those who sign the collector's; by default those the system trusts",
  },
  "otlp-cert": {
    kind: "text",
    group: "OTLP",
    default: "",
    value: "FILE",
    help: "Certificate (PEM) that the node shows the collector; needs -otlp-key",
  },
  "otlp-key": {
    kind: "text",
    group: "OTLP",
    default: "",
    value: "FILE",
    help: "Key (PEM, not encrypted) of -otlp-cert",
  },
} as const satisfies Record<string, FlagSpec>;
