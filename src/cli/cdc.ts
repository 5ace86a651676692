import { ConfigError } from "../base/json_fields.ts";
import { messageOf } from "../base/message_of.ts";
import { type CdcConfig, cdcConfigOf, type CdcTls, isNats, parseCdcConfig } from "../cdc/config.ts";
import { ChangeDelivery } from "../cdc/delivery.ts";
import { NatsSink } from "../cdc/nats.ts";
import { StdoutSink } from "../cdc/stdout_sink.ts";
import type { Sink } from "../cdc/types.ts";
import { Webhook, type WebhookTls } from "../cdc/webhook.ts";
import type { ChangeLog } from "../changes/types.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { OpenMember } from "../member/member.ts";
import { warnOfUnknown } from "./auto_backup.ts";
import { version } from "./version.ts";

/** How long a majority may take to confirm who leads, or to record how far changes are delivered, in ms. */
const confirmMs = 10_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The delivery of changes that was asked for, not yet of a node. */
export interface PreparedCdc {
  readonly config: CdcConfig;
  readonly sink: Sink;
}

/** Reads what -cdc-config names; rejects with an Error in rqlite's words. Undefined without it. */
export async function prepareCdc(flag: string, logger: Logger): Promise<PreparedCdc | undefined> {
  if (flag === "") return undefined;
  try {
    const config = cdcConfigOf(flag) ?? await readFile(flag, logger);
    return { config, sink: await openSink(config) };
  } catch (error) {
    throw new Error(`failed to create CDC Service: ${messageOf(error)}`, { cause: error });
  }
}

async function readFile(path: string, logger: Logger): Promise<CdcConfig> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`failed to create CDC config: ${messageOf(error)}`, { cause: error });
  }
  try {
    const { config, unknownKeys } = parseCdcConfig(text);
    warnOfUnknown(path, unknownKeys, logger);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Error(`failed to create CDC config: ${path}: ${error.message}`, { cause: error });
  }
}

async function openSink(config: CdcConfig): Promise<Sink> {
  const { endpoint, timeoutMs, natsCredentialsFile: credentials } = config;
  if (endpoint === "stdout") return new StdoutSink(Deno.stdout.writable);
  const tls = config.tls && await readTls(config.tls);
  if (isNats(endpoint)) {
    const { serviceId, natsSubject: subject } = config;
    return new NatsSink({
      ...{ endpoint, subject, timeoutMs, serviceId, tls },
      credentials: credentials === "" ? undefined : await Deno.readFile(credentials),
    });
  }
  return new Webhook(endpoint, { timeoutMs, tls, userAgent: `raftlite/${version}` });
}

async function readTls(tls: CdcTls): Promise<WebhookTls> {
  const read = async (path: string) => {
    if (path === "") return undefined;
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      throw new Error(`failed to build TLS config: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    ca: await read(tls.caFile),
    cert: await read(tls.certFile),
    key: await read(tls.keyFile),
    rejectUnauthorized: !tls.insecure,
    servername: tls.serverName === "" ? undefined : tls.serverName,
  };
}

/** Makes it a node's, whose change log this is; to be started. */
export function deliveryOf(
  prepared: PreparedCdc,
  { member, changes, id }: {
    readonly member: OpenMember;
    readonly changes: ChangeLog;
    readonly id: string;
  },
  surroundings: Surroundings,
): ChangeDelivery {
  const { node, service, store } = member;
  return new ChangeDelivery({
    ...prepared,
    ...surroundings,
    version,
    node: {
      id,
      changes,
      get leads() {
        return node.isLeader && node.damage === undefined;
      },
      get delivered() {
        return store.changesDelivered;
      },
      confirm: () => service.sync(confirmMs),
      recordDelivered: (index) => service.recordDelivered(index, confirmMs),
    },
  });
}
