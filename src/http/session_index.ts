import type { QueryParameters } from "./query_parameters.ts";
import { RequestError } from "./request_error.ts";
import { headerOf } from "./request_header.ts";

/**
 * Carries how far a client has seen the log: on answers that wrote, and on requests that read, at
 * any node. So a client reads its own writes wherever it reads.
 */
export const indexHeader = "x-raftlite-index";

const form = /^\d{1,16}$/;

/**
 * What the client of a read has seen, by `min_index` or the header, the further of the two;
 * undefined when it does not say. Throws a RequestError (400) for what is no index.
 */
export function minIndex(request: Request, parameters: QueryParameters): number | undefined {
  const parameter = parameters.get("min_index");
  const header = headerOf(request, indexHeader);
  if (parameter === undefined && header === null) return undefined;
  return Math.max(
    parameter === undefined ? 0 : indexIn(parameter, "min_index"),
    header === null ? 0 : indexIn(header, "X-Raftlite-Index"),
  );
}

function indexIn(text: string, name: string): number {
  const index = form.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(index)) return index;
  throw new RequestError(400, `${name} is not a valid index`);
}

/** The answer with the index that a client has to name to read what it has seen here. */
export function withIndex(response: Response, index: number | undefined): Response {
  if (index !== undefined && index > 0) response.headers.append(indexHeader, String(index));
  return response;
}
