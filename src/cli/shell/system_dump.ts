import type { FileHandle } from "node:fs/promises";
import { textOf } from "./client.ts";
import { openToWrite, writeAll } from "./downloads.ts";
import { isObject, parseExact } from "./exact_json.ts";
import { Unreachable } from "./http_exchange.ts";
import { Progress } from "./progress.ts";
import type { Session } from "./session.ts";

const paths = ["status?pretty", "nodes?pretty", "readyz", "debug/vars"];

/** Writes what every node of the cluster tells of itself into a file. */
export async function systemDump(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const call = { method: "GET", path: "nodes", parameters: { nonvoters: "" } } as const;
  const nodes = parseExact(await session.client.text({ ...call, repeatable: true }, signal));
  const file = await openToWrite(path);
  const progress = new Progress("System dump");
  try {
    for (const node of Object.values(isObject(nodes) ? nodes : {})) {
      const address = isObject(node) ? node.api_addr : undefined;
      if (typeof address !== "string" || address === "") continue;
      for (const page of paths) {
        const text = await pageText(session, `${address}/${page}`, signal);
        await append(file, text);
        progress.add(text.length);
      }
    }
  } finally {
    progress.end();
    await file.close();
  }
}

async function pageText({ client }: Session, url: string, signal: AbortSignal): Promise<string> {
  const head = `\n=========================================\nURL: ${url}\n`;
  try {
    const { status, text } = await textOf(await client.getDirect(url, signal));
    return `${head}Status: ${status}\n\n${status === 200 ? text : ""}`;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return `${head}Status: ${error.message}\n\n`;
  }
}

async function append(file: FileHandle, text: string): Promise<void> {
  await writeAll(file, new TextEncoder().encode(text));
}
