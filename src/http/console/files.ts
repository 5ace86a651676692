import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";

/** The page's files as `deno task console` makes them. */
const folder = new URL("./page/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The page may do nothing but run its own files and ask its own node: whatever a row holds, nothing
 * of it can run, or leave. No other page may show it in a frame.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const headers: readonly [string, string][] = [
  ["content-security-policy", policy],
  ["x-frame-options", "DENY"],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-cache"],
  ["vary", "accept-encoding"],
];

interface PageFile {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** Those that were asked for; only files that there are. */
const read = new Map<string, Promise<PageFile | undefined>>();

/** /console/: the page and its files, which hold no data, so that they are there for everybody. */
export async function consoleFile(
  { answers, gate }: AppState,
  { request }: AdmittedRequest<"none">,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/console") return answers.toConsole(request);
  const index = gate === undefined ? "index.html" : "index-users.html";
  const file = await fileAt(pathname.slice("/console/".length) || index);
  if (file === undefined) return answers.text(404, "404 page not found\n");
  const zips = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
  const isKnown = request.headers.get("if-none-match") === file.etag;
  const bytes = zips ? file.zipped : file.plain;
  const response = isKnown
    ? answers.empty(304)
    : answers.bytes(request.method === "HEAD" ? new Uint8Array() : bytes, file.type);
  for (const [name, value] of headers) response.headers.set(name, value);
  response.headers.set("etag", file.etag);
  if (zips && !isKnown) response.headers.set("content-encoding", "gzip");
  return response;
}

async function fileAt(name: string): Promise<PageFile | undefined> {
  const type = types[/^[\w-]+\.(\w+)$/.exec(name)?.[1] ?? ""];
  if (type === undefined) return undefined;
  const reading = read.get(name) ?? readFile(name, type);
  read.set(name, reading);
  const file = await reading.catch(() => undefined);
  if (file === undefined) read.delete(name);
  return file;
}

const zip = promisify(gzip);

/** Undefined when there is none. */
async function readFile(name: string, type: string): Promise<PageFile | undefined> {
  try {
    const plain = await Deno.readFile(new URL(name, folder));
    const zipped = new Uint8Array(await zip(plain, { level: 9 }));
    const etag = `"${createHash("sha256").update(plain).digest("base64url")}"`;
    return { type, plain, zipped, etag };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
