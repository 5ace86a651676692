/** Where figures are pushed to, and how. */
export interface OtlpOptions {
  /** `host:port` of the collector. */
  readonly endpoint: string;
  readonly protocol: "grpc" | "http";
  readonly intervalMs: number;
  /** Without TLS. */
  readonly insecure: boolean;
  /** Takes any certificate of the collector. */
  readonly noVerify: boolean;
  /** In PEM; undefined for those that the system trusts, and for no certificate of this node's own. */
  readonly ca: Uint8Array | undefined;
  readonly cert: Uint8Array | undefined;
  readonly key: Uint8Array | undefined;
}

/** Who pushes. */
export interface OtlpSource {
  readonly version: string;
  readonly nodeId: string;
  /** Since when counters count, in ms since 1970. */
  readonly startedAtMs: number;
}

/** How it goes, for /status. */
export interface OtlpFigures {
  readonly endpoint: string;
  readonly protocol: "grpc" | "http";
  readonly insecure: boolean;
  readonly intervalMs: number;
  readonly noVerify: boolean;
  /** Why the last push failed; undefined after one that did not. */
  readonly failure: string | undefined;
}
