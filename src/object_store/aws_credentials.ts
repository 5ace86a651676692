import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../io/types.ts";
import { childText, parseXml, type XmlElement } from "./s3_xml.ts";
import { jsonFields, type StoreHttp } from "./store_http.ts";
import { ObjectStoreError } from "./types.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Those that end; by the wall clock, in ms since 1970 UTC. */
interface Lent {
  readonly credentials: AwsCredentials;
  readonly until: number;
}

export interface CredentialParts {
  /** Of the configuration; "" for none. */
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
  readonly environment: (name: string) => string | undefined;
  readonly http: StoreHttp;
  readonly clock: Clock;
}

/** Where Amazon's machines and containers tell what they may do. */
const containerHost = "http://169.254.170.2";
const machineHost = "http://169.254.169.254";
/** How long before their end credentials are asked for anew, in ms. */
const marginMs = 300_000;
/** Where no end is told, in ms. */
const lifeMs = 3_600_000;
const sessionSeconds = "3600";

/**
 * Keys for S3: those of the configuration, or else the first that there are in the order of Amazon's
 * tools: the environment, a web identity (EKS), the file of profiles, the container's, the machine's.
 * Their own library for that is larger than all else that this program is made of.
 */
export class AwsCredentialChain {
  readonly #parts: CredentialParts;
  #lent: Lent | undefined;

  constructor(parts: CredentialParts) {
    this.#parts = parts;
  }

  /** Rejects with an ObjectStoreError when there are none. */
  async get(): Promise<AwsCredentials> {
    const { keys, clock } = this.#parts;
    if (keys.accessKeyId !== "" && keys.secretAccessKey !== "") return keys;
    if (this.#lent !== undefined && clock.wallTime() < this.#lent.until - marginMs) {
      return this.#lent.credentials;
    }
    const lasting = this.#fromEnvironment() ?? await this.#webIdentity() ?? await this.#profile() ??
      await this.#container() ?? await this.#machine();
    if ("until" in lasting) {
      this.#lent = lasting;
      return lasting.credentials;
    }
    return lasting;
  }

  #fromEnvironment(): AwsCredentials | undefined {
    const { environment } = this.#parts;
    return keysOf(
      environment("AWS_ACCESS_KEY_ID"),
      environment("AWS_SECRET_ACCESS_KEY"),
      environment("AWS_SESSION_TOKEN"),
    );
  }

  /** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
  async #webIdentity(): Promise<Lent | undefined> {
    const { environment, region } = this.#parts;
    const path = environment("AWS_WEB_IDENTITY_TOKEN_FILE");
    const role = environment("AWS_ROLE_ARN");
    if (path === undefined || role === undefined) return undefined;
    const endpoint = environment("AWS_ENDPOINT_URL_STS") ?? `https://sts.${region}.amazonaws.com`;
    const query = new URLSearchParams({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      DurationSeconds: sessionSeconds,
      RoleArn: role,
      RoleSessionName: environment("AWS_ROLE_SESSION_NAME") ?? "raftlite",
      WebIdentityToken: (await readText(path)).trim(),
    });
    const text = await this.#ask("POST", endpoint, {
      body: new TextEncoder().encode(query.toString()),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    const found = descendant(parseXml(text), "Credentials");
    const field = (name: string) => found && childText(found, name);
    return this.#lentOf({
      AccessKeyId: field("AccessKeyId"),
      SecretAccessKey: field("SecretAccessKey"),
      Token: field("SessionToken"),
      Expiration: field("Expiration"),
    }, endpoint);
  }

  async #profile(): Promise<AwsCredentials | undefined> {
    const { environment } = this.#parts;
    const home = environment("HOME") ?? environment("USERPROFILE") ?? "";
    const path = environment("AWS_SHARED_CREDENTIALS_FILE") ?? `${home}/.aws/credentials`;
    const text = await readText(path).catch(() => "");
    const values = profileIn(text, environment("AWS_PROFILE") ?? "default");
    return keysOf(
      values.get("aws_access_key_id"),
      values.get("aws_secret_access_key"),
      values.get("aws_session_token"),
    );
  }

  /** ECS, and EKS with pod identities. */
  async #container(): Promise<Lent | undefined> {
    const { environment } = this.#parts;
    const relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const url = relative === undefined
      ? environment("AWS_CONTAINER_CREDENTIALS_FULL_URI")
      : containerHost + relative;
    if (url === undefined) return undefined;
    const path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const token = path === undefined
      ? environment("AWS_CONTAINER_AUTHORIZATION_TOKEN")
      : (await readText(path)).trim();
    const headers = token === undefined ? {} : { authorization: token };
    return this.#lentOf(jsonFields(await this.#ask("GET", url, { headers })), url);
  }

  /** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (IMDSv2) */
  async #machine(): Promise<Lent> {
    const { environment } = this.#parts;
    const host = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? machineHost;
    if (environment("AWS_EC2_METADATA_DISABLED") === "true") throw none();
    try {
      const token = await this.#ask("PUT", `${host}/latest/api/token`, {
        headers: { "x-aws-ec2-metadata-token-ttl-seconds": sessionSeconds },
      });
      const headers = { "x-aws-ec2-metadata-token": token };
      const url = `${host}/latest/meta-data/iam/security-credentials/`;
      const role = (await this.#ask("GET", url, { headers })).trim();
      return this.#lentOf(jsonFields(await this.#ask("GET", url + role, { headers })), url + role);
    } catch (error) {
      throw none(`, and this machine has none to lend: ${messageOf(error)}`);
    }
  }

  async #ask(
    method: string,
    address: string,
    { headers = {}, body }: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array<ArrayBuffer>;
    },
  ): Promise<string> {
    const url = new URL(address);
    const answer = await this.#parts.http.send({
      method,
      url,
      headers: new Headers(headers),
      body,
      timeoutMs: askTimeoutMs,
    });
    if (answer.status !== 200) {
      throw new ObjectStoreError("denied", `${url.origin} gave no keys: ${answer.status}`);
    }
    return new TextDecoder().decode(answer.body);
  }

  #lentOf(fields: Readonly<Record<string, unknown>> = {}, address: string): Lent {
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token, Expiration } =
      fields;
    if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string") {
      throw new ObjectStoreError("denied", `${new URL(address).origin} answered without keys`);
    }
    const until = typeof Expiration === "string" ? Date.parse(Expiration) : NaN;
    return {
      credentials: withToken(
        { accessKeyId, secretAccessKey },
        typeof Token === "string" ? Token : undefined,
      ),
      until: Number.isNaN(until) ? this.#parts.clock.wallTime() + lifeMs : until,
    };
  }
}

/** What lends keys is near, or not there at all. */
const askTimeoutMs = 5_000;

function none(more = ""): ObjectStoreError {
  return new ObjectStoreError(
    "denied",
    `S3: there are no keys: give access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment${more}`,
  );
}

/** Undefined unless both keys are there. */
function keysOf(
  accessKeyId = "",
  secretAccessKey = "",
  sessionToken?: string,
): AwsCredentials | undefined {
  if (accessKeyId === "" || secretAccessKey === "") return undefined;
  return withToken({ accessKeyId, secretAccessKey }, sessionToken);
}

function withToken(
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
  sessionToken: string | undefined,
): AwsCredentials {
  return sessionToken === undefined || sessionToken === "" ? keys : { ...keys, sessionToken };
}

function descendant(element: XmlElement, name: string): XmlElement | undefined {
  if (element.name === name) return element;
  for (const child of element.children) {
    const found = descendant(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new ObjectStoreError("denied", `S3: keys cannot be had: ${messageOf(error)}`);
  }
}

/** What one profile says, in Amazon's INI form. */
export function profileIn(text: string, profile: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let isIts = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (section !== undefined) isIts = section === profile;
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isIts && name !== undefined && value !== undefined) values.set(name, value);
  }
  return values;
}
