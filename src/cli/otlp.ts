import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger, Random } from "../io/types.ts";
import type { Family } from "../metrics/families.ts";
import type { OtlpPush } from "../metrics/otlp/push.ts";
import type { OtlpTracer } from "../metrics/otlp/tracer.ts";
import { grpcMissing } from "../metrics/otlp/runtime.ts";
import type { OtlpOptions } from "../metrics/otlp/types.ts";
import type { Configuration } from "./flags.ts";
import { version } from "./version.ts";

interface OtlpParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What pushes to a collector of OpenTelemetry. */
export interface OpenOtlp {
  readonly tracer: OtlpTracer;
  /** Begins to push metrics, too. */
  pushing(families: () => Promise<readonly Family[]>): OtlpPush;
}

/**
 * Makes it ready, where the flags name a collector. What it is made of is large, and is loaded only
 * for that. Throws when a file of it cannot be read.
 */
export async function openOtlp(
  { otlp, nodeId }: Pick<Configuration, "otlp" | "nodeId">,
  { clock, random, logger }: OtlpParts,
): Promise<OpenOtlp | undefined> {
  if (otlp === undefined) return undefined;
  const missing = otlp.protocol === "grpc" ? grpcMissing() : undefined;
  if (missing !== undefined) {
    throw new Error(`-otlp-endpoint by gRPC cannot be: ${missing}; give -otlp-protocol http`);
  }
  const options: OtlpOptions = {
    ...otlp,
    ca: await read("-otlp-ca-cert", otlp.caPath),
    cert: await read("-otlp-cert", otlp.certPath),
    key: await read("-otlp-key", otlp.keyPath),
  };
  const { OtlpPush } = await import("../metrics/otlp/push.ts");
  const { OtlpTracer } = await import("../metrics/otlp/tracer.ts");
  const source = { version, nodeId, startedAtMs: clock.wallTime() };
  return {
    tracer: new OtlpTracer(options, { ...source, clock, random, ratio: otlp.traceRatio }),
    pushing(families) {
      const push = new OtlpPush(options, { ...source, clock, logger, families });
      push.start();
      return push;
    },
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
