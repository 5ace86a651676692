import type { Identity, Requester } from "../access/types.ts";
import type { Users } from "../access/users.ts";
import type { AppState } from "./app_state.ts";
import type { AuditedRequest } from "./audited_request.ts";
import { DatabaseBody } from "./database_body.ts";
import type { LargeBody } from "./large_body.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { readBody, readShortBody } from "./request_body.ts";

/** What routes take of a body. */
export interface Bodies {
  none: undefined;
  /** A few words. */
  words: Uint8Array;
  /** All of it, within the limit for bodies and the budget for all under way. */
  statements: Uint8Array | LargeBody;
  /** A SQLite file of any size as it comes, or a SQL text within the limit for loads and the budget. */
  database: DatabaseBody;
}

type Reading = {
  readonly [Kind in keyof Bodies]: (app: AppState, request: Request) => Promise<Bodies[Kind]>;
};

const reading: Reading = {
  none: () => Promise.resolve(undefined),
  words: readShortBody,
  statements: readBody,
  database: DatabaseBody.begin,
};

/** What is known of a request when it is let in. */
export interface Asked {
  readonly app: AppState;
  readonly request: Request;
  readonly parameters: QueryParameters;
  readonly identity: Identity;
  /** By whom it was let in; undefined where everybody is. */
  readonly users?: Users | undefined;
  /** Of the client, without its port. */
  readonly address: string;
}

/** A request that was let in. */
export class AdmittedRequest<Kind extends keyof Bodies = keyof Bodies> {
  readonly request: Request;
  readonly parameters: QueryParameters;
  readonly identity: Identity;
  /** Tells the audit of it; undefined where there is none. */
  readonly audited: AuditedRequest | undefined;
  readonly #address: string;
  readonly #app: AppState;
  readonly #users: Users | undefined;
  readonly #bodyKind: Kind;

  constructor(asked: Asked, bodyKind: Kind, audited: AuditedRequest | undefined) {
    this.request = asked.request;
    this.parameters = asked.parameters;
    this.identity = asked.identity;
    this.audited = audited;
    this.#address = asked.address;
    this.#app = asked.app;
    this.#users = asked.users;
    this.#bodyKind = bodyKind;
  }

  /** Who asks, as other nodes are to know it. */
  get requester(): Requester {
    return { username: this.identity.username, address: this.#address };
  }

  /** Whether it would be let in still: for answers that go on for long. */
  get isStillAdmitted(): boolean {
    const { gate } = this.#app;
    if (gate === undefined || this.#users === undefined) return true;
    const authorization = this.request.headers.get("authorization");
    return gate.isStillSo(this.#users, this.identity, authorization);
  }

  /**
   * Its body, once, as the route takes it. Nothing of it is read before, since rqlite makes checks of
   * its own first. Throws a RequestError or a BrokenBodyError.
   */
  body(): Promise<Bodies[Kind]> {
    return reading[this.#bodyKind](this.#app, this.request);
  }
}
