import type { Clock } from "../io/types.ts";
import { awsCredentials } from "./aws_credentials.ts";
import { DirectoryStore } from "./directory_store.ts";
import { GcsStore } from "./gcs_store.ts";
import { GcsTokens, parseServiceAccount } from "./gcs_token.ts";
import { S3Store } from "./s3_store.ts";
import { StoreHttp } from "./store_http.ts";
import type { ObjectStore } from "./types.ts";

export interface S3Options {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly forcePathStyle: boolean;
}

export interface GcsOptions {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentialsPath: string;
}

const googleEndpoint = "https://storage.googleapis.com";

/** Without a scheme it is HTTPS. Throws an Error for what is no address. */
function withScheme(endpoint: string): string {
  const url = /^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`;
  if (!URL.canParse(url)) throw new Error(`Endpoint ${endpoint} is not a valid address`);
  return url.replace(/\/$/, "");
}

/** A bucket by the protocol of S3. Throws an Error that says which value is wrong. */
export function openS3(options: S3Options, clock: Clock): ObjectStore {
  const endpoint = options.endpoint === "" ? "" : withScheme(options.endpoint);
  return new S3Store({
    place: { ...options, endpoint },
    credentials: () => Promise.resolve(awsCredentials(options, (name) => Deno.env.get(name))),
    http: new StoreHttp(),
    clock,
  });
}

/** A bucket of Google's. Rejects with an Error that says which value or file is wrong. */
export async function openGcs(options: GcsOptions, clock: Clock): Promise<ObjectStore> {
  const { bucket, credentialsPath } = options;
  const account = parseServiceAccount(await Deno.readTextFile(credentialsPath), credentialsPath);
  const http = new StoreHttp();
  return new GcsStore({
    endpoint: withScheme(options.endpoint || googleEndpoint),
    bucket,
    tokens: new GcsTokens(account, http, clock),
    http,
    clock,
  });
}

/** @param directory Absolute. */
export function openDirectory(directory: string): ObjectStore {
  return new DirectoryStore(directory);
}
