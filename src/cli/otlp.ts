import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { Family } from "../metrics/families.ts";
import type { OtlpPush } from "../metrics/otlp/push.ts";
import type { Configuration } from "./flags.ts";
import type { OtlpConfiguration } from "./otlp_flags.ts";
import { version } from "./version.ts";

interface OtlpParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Since when the node counts, in ms since 1970. */
  readonly startedAtMs: number;
  readonly families: () => Promise<readonly Family[]>;
}

/**
 * What pushes metrics to the collector that the flags name. What it is made of is large, and is
 * loaded only for that. Throws when a file of it cannot be read.
 */
export async function openOtlp(
  { otlp, nodeId }: Pick<Configuration, "otlp" | "nodeId">,
  parts: OtlpParts,
): Promise<OtlpPush | undefined> {
  if (otlp === undefined) return undefined;
  const files = await readFiles(otlp);
  const { OtlpPush } = await import("../metrics/otlp/push.ts");
  return new OtlpPush({ ...otlp, ...files }, { ...parts, version, nodeId });
}

async function readFiles({ caPath, certPath, keyPath }: OtlpConfiguration) {
  return {
    ca: await read("-otlp-ca-cert", caPath),
    cert: await read("-otlp-cert", certPath),
    key: await read("-otlp-key", keyPath),
  };
}

async function read(flag: string, path: string): Promise<Uint8Array | undefined> {
  if (path === "") return undefined;
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new Error(`File of ${flag} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
