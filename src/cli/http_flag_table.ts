import { type FlagSpec, longest } from "./flag_spec.ts";

/** The flags of what clients speak to: where, over what, and who may come in. */
export const httpFlags = {
  "http-addr": {
    kind: "address",
    group: "HTTP",
    default: "127.0.0.1:4001",
    value: "HOST:PORT",
    help: "Address that the HTTP server listens on",
  },
  "http-adv-addr": {
    kind: "address",
    group: "HTTP",
    default: "",
    value: "HOST:PORT",
    help: "Address at which clients and nodes reach it; by default -http-addr",
  },
  "http-allow-origin": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "ORIGIN",
    help: "Value of the Access-Control-Allow-Origin header, for programs in browsers",
  },
  "auth": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Ask clients who they are: a file of users and what each may do, read again when it changes",
  },
  "http-body-limit": {
    kind: "size",
    group: "HTTP",
    default: "64MiB",
    value: "SIZE",
    help:
      "Largest request body that is held in memory (a database sent to /db/load streams and is not)",
    min: 1024,
    max: 1024 ** 3,
  },
  "tx-max-open": {
    kind: "duration",
    group: "HTTP",
    default: "60s",
    value: "DURATION",
    help: "How long a transaction of several requests may be open; then it is rolled back",
    min: 100,
    max: 3_600_000,
  },
  "tx-idle-timeout": {
    kind: "duration",
    group: "HTTP",
    default: "5s",
    value: "DURATION",
    help: "How long it may be without a request; then it is rolled back",
    min: 100,
    max: 3_600_000,
  },
  "idempotency-key-ttl": {
    kind: "duration",
    group: "HTTP",
    default: "24h",
    value: "DURATION",
    help: "How long the Idempotency-Key of a write is kept, with its answer",
    min: 1000,
    max: 365 * 24 * 3_600_000,
  },
  "http-cert": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Certificate (PEM, with its chain) for HTTPS; read again when the file changes; needs -http-key",
  },
  "http-key": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help: "Key (PEM, not encrypted) of -http-cert",
  },
  "http-ca-cert": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "FILE",
    help:
      "Certificates (PEM) of those who sign clients' certificates, for -http-verify-client; by default those the system trusts",
  },
  "http-verify-client": {
    kind: "switch",
    group: "HTTP",
    default: "false",
    value: "",
    help: "Let only clients in that show a certificate which -http-ca-cert signed; needs Deno 2.8",
  },
  "http-verify-common-name": {
    kind: "text",
    group: "HTTP",
    default: "",
    value: "NAME",
    help: "Common name (CN) that clients' certificates must have, exactly; for -http-verify-client",
  },
  "http-header-timeout": {
    kind: "duration",
    group: "HTTP",
    default: "30s",
    value: "DURATION",
    help:
      "How long a new connection may take until its first request is there, TLS included; 0s for no end",
    min: 0,
    max: longest,
  },
  "http-idle-timeout": {
    kind: "duration",
    group: "HTTP",
    default: "3m",
    value: "DURATION",
    help:
      "How long a connection may be without a request, or take nothing of its answer; 0s for no end",
    min: 0,
    max: longest,
  },
  "http-threads": {
    kind: "count",
    group: "HTTP",
    default: "1",
    value: "N",
    help:
      "Threads that serve HTTP, the main one among them; the others answer reads of single rows by themselves, and read and check writes (on Linux, under Deno 2.9; else one thread serves)",
    min: 1,
    max: 64,
  },
  "http-max-connections": {
    kind: "count",
    group: "HTTP",
    default: "8192",
    value: "N",
    help:
      "Most connections at a time; one more ends the one that has been idle for longest, or is refused",
    min: 1,
    max: 1_000_000,
  },
} as const satisfies Record<string, FlagSpec>;
