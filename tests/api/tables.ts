import { execute } from "./tables/execute.ts";
import { operations } from "./tables/operations.ts";
import { parameters } from "./tables/parameters.ts";
import { paths } from "./tables/paths.ts";
import { query } from "./tables/query.ts";
import { queue } from "./tables/queue.ts";
import { requestErrors } from "./tables/request_errors.ts";
import { singleNode } from "./tables/single_node.ts";
import { sqliteFeatures } from "./tables/sqlite_features.ts";
import { status } from "./tables/status.ts";
import { unified } from "./tables/unified.ts";
import { values } from "./tables/values.ts";

/** Tables that any node of any cluster answers; each makes the tables of the database that it needs and drops them. */
export const tables = {
  execute,
  operations,
  parameters,
  paths,
  query,
  queue,
  requestErrors,
  sqliteFeatures,
  status,
  unified,
  values,
} as const;

/** Only for a cluster of one node. */
export const singleNodeTables = {
  singleNode,
} as const;
