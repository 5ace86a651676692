import type { FlagSpec } from "./flag_spec.ts";

/** The flags of TLS between nodes. */
export const nodeTlsFlags = {
  "node-cert": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "Certificate for connections between nodes (PEM, with its chain): they are encrypted, and this node shows it both to nodes that call it and to those it calls",
  },
  "node-key": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help: "Its key (PEM, without a password)",
  },
  "node-ca-cert": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "Certificates of the authorities that other nodes' certificates are verified by; by default the public ones that Deno knows",
  },
  "node-no-verify": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help: "Do not verify the certificates of nodes that this one calls",
  },
  "node-verify-client": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help:
      "Let only those call this node that show a certificate of -node-ca-cert, made for clients (clientAuth)",
  },
  "node-verify-server-name": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "NAME",
    help:
      "Name that the certificates of nodes must be for; by default the host of the address that is called",
  },
  "node-verify-common-name": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "NAME",
    help: "Common name that those who call this node must have in their certificate, exactly",
  },
  "node-auto-tls": {
    kind: "text",
    group: "Node TLS",
    default: "",
    value: "FILE",
    help:
      "In place of certificates: a file with a secret (of 32 characters at least) that all nodes have; they make certificates by themselves and let in nobody else",
  },
  "node-accept-plain": {
    kind: "switch",
    group: "Node TLS",
    default: "false",
    value: "",
    help:
      "While a running cluster goes over to TLS: take nodes without TLS too, and call them without where they have none",
  },
} as const satisfies Record<string, FlagSpec>;
