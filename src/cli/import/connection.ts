import { Client } from "@raftlite/client";
import type { NodeAccess } from "../node_access.ts";
import { exchangeFor } from "../shell/exchange_for.ts";
import { type HttpExchange, Unreachable } from "../shell/http_exchange.ts";

const never = new AbortController().signal;

/** A client of the cluster that flags name, who may be known to it by certificates of his own. */
export function connectTo(access: NodeAccess): Client {
  const { scheme, hosts, prefix, tls, authorization, timeoutMs } = access;
  const exchange = exchangeFor(scheme, tls);
  return new Client(hosts.map((host) => `${scheme}://${host}${prefix}`), {
    fetch: fetchOver(exchange, authorization),
    // Others would not have the prefix.
    discover: prefix === "/",
    ...(timeoutMs > 0 ? { timeoutMs } : {}),
  });
}

/** fetch, as far as the client needs it, over a shell's exchange. */
function fetchOver(exchange: HttpExchange, authorization: string | undefined): typeof fetch {
  return async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    const { method = "GET" } = init ?? {};
    // What is to be sent once comes as a stream.
    const body = init?.body ? await new Response(init.body).text() : undefined;
    try {
      const answer = await exchange.send({
        method,
        url: new URL(String(input)),
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
        timeoutMs: 0,
        ...(body === undefined ? {} : { body }),
      }, init?.signal ?? never);
      const { status } = answer;
      return new Response(ReadableStream.from(answer.body), { status, headers: answer.headers });
    } catch (error) {
      if (!(error instanceof Unreachable) || error.delivered === "perhaps") throw error;
      throw Object.assign(new TypeError(error.message), { code: "ECONNREFUSED" });
    }
  };
}
