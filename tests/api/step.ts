/** One request and the whole of its answer. */
export interface Step extends Answer {
  /** Method, path and query. */
  readonly send: string;
  readonly body?: string;
  /** application/json unless given. */
  readonly bodyType?: string;
  /** Where raftlite differs on purpose: its own answer. */
  readonly raftlite?: Answer & { readonly why: string };
}

export interface Answer {
  readonly status: number;
  /** Content type; "" for none. */
  readonly type: string;
  /**
   * The body, byte for byte but for placeholders: `<time>`, `<duration>`, `<version>`, `<sequence>`,
   * `<count>`, `<index>`, `<id>`, `<http>` and `<raft>` (addresses). `<any>` stands for anything.
   */
  readonly answer: string;
  /** Other headers, with the same placeholders; `null` for one that must not be there. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

export const json = "application/json; charset=utf-8";
export const text = "text/plain; charset=utf-8";
