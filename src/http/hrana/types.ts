import type { SqlValue } from "../../store/types.ts";

/** The messages of Hrana 3, as they are once they were read; see docs/drivers.md for what is served. */

/** SQL itself, or the number of one that the stream keeps. */
export type SqlSource = { readonly sql: string } | { readonly sqlId: number };

export interface HranaStatement {
  readonly source: SqlSource;
  readonly args: readonly SqlValue[];
  readonly namedArgs: readonly { readonly name: string; readonly value: SqlValue }[];
}

export type Condition =
  | { readonly type: "ok" | "error"; readonly step: number }
  | { readonly type: "not"; readonly condition: Condition }
  | { readonly type: "and" | "or"; readonly conditions: readonly Condition[] }
  | { readonly type: "is_autocommit" };

export interface BatchStep {
  readonly condition: Condition | undefined;
  readonly statement: HranaStatement;
}

export type Batch = readonly BatchStep[];

export type StreamRequest =
  | { readonly type: "execute"; readonly statement: HranaStatement }
  | { readonly type: "batch"; readonly batch: Batch }
  | { readonly type: "sequence" | "describe"; readonly source: SqlSource }
  | { readonly type: "store_sql"; readonly sqlId: number; readonly sql: string }
  | { readonly type: "close_sql"; readonly sqlId: number }
  | { readonly type: "get_autocommit" | "close" };

export interface PipelineRequest {
  readonly baton: string | undefined;
  readonly requests: readonly StreamRequest[];
}

export interface CursorRequest {
  readonly baton: string | undefined;
  readonly batch: Batch;
}
