import { rightsOf } from "../access/table_rights.ts";
import type { Gate } from "../access/gate.ts";
import { anybody, type Identity, type Permission, permissions } from "../access/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { recordKeptOut } from "./audited_request.ts";

/** What is asked for over HTTP, each by itself. */
const asked = permissions.filter((permission) => permission !== "all");

/** /whoami: whom the node takes its client for, and what that one may do. Answered to everybody. */
export async function whoami(
  app: AppState,
  { request, requester: { address } }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, gate, audit } = app;
  if (gate === undefined) return answers.json(shown(false, { identity: anybody, may: asked }));
  const authorization = request.headers.get("authorization");
  const found = await holderOf(gate, authorization, address);
  if (found.type === "slowed") return answers.later(found.seconds);
  if (found.refusal !== undefined && authorization !== null && audit !== undefined) {
    const act = undefined;
    recordKeptOut(audit, { act, request, address, needed: [], verdict: found.refusal });
  }
  return answers.json(shown(true, found));
}

type Refusal = Extract<Awaited<ReturnType<Gate["judge"]>>, { readonly type: "refused" }>;

interface Holder {
  readonly type: "known";
  readonly identity: Identity;
  readonly may: readonly Permission[];
  /** Who it says to be is not whom it is taken for. */
  readonly refusal: Refusal | undefined;
}

/** Wrong credentials are compared once only, and leave what everybody may do. */
async function holderOf(
  gate: Gate,
  authorization: string | null,
  address: string,
): Promise<Holder | { readonly type: "slowed"; readonly seconds: number }> {
  const may: Permission[] = [];
  let identity = anybody;
  let refusal: Refusal | undefined;
  for (const permission of asked) {
    const said = refusal === undefined ? authorization : null;
    const verdict = await gate.judge([permission], said, address);
    if (verdict.type === "slowed") return verdict;
    if (verdict.type === "admitted") {
      may.push(permission);
      if (identity.username === undefined) identity = verdict.identity;
    } else if (verdict.proven) {
      identity = identity.username === undefined ? { username: verdict.username } : identity;
    } else refusal ??= verdict;
  }
  return { type: "known", identity, may, refusal };
}

function shown(
  hasUsers: boolean,
  { identity, may }: Pick<Holder, "identity" | "may">,
): string {
  const { username, token, tables } = identity;
  return JSON.stringify({
    users: hasUsers,
    user: username ?? null,
    token,
    permissions: may,
    tables: rightsOf(identity) === undefined ? undefined : tables,
  });
}
