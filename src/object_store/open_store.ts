import type { Clock } from "../io/types.ts";
import type { ObjectStore } from "./types.ts";

// Each is loaded when it is asked for: most nodes need none of them, and their packages take time.

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

/** A bucket by the protocol of S3. Rejects with an Error that says which value is wrong. */
export async function openS3(options: S3Options, clock: Clock): Promise<ObjectStore> {
  const { AwsCredentialChain } = await import("./aws_credentials.ts");
  const { S3Store } = await import("./s3_store.ts");
  const { StoreHttp } = await import("./store_http.ts");
  const endpoint = options.endpoint === "" ? "" : withScheme(options.endpoint);
  const http = new StoreHttp();
  const environment = (name: string) => Deno.env.get(name);
  const { region } = options;
  const chain = new AwsCredentialChain({ keys: options, region, environment, http, clock });
  return new S3Store({
    place: { ...options, endpoint },
    credentials: () => chain.get(),
    http,
    clock,
  });
}

/** A bucket of Google's. Rejects with an Error that says which value or file is wrong. */
export async function openGcs(options: GcsOptions, clock: Clock): Promise<ObjectStore> {
  const { GcsStore } = await import("./gcs_store.ts");
  const { GcsTokens, parseServiceAccount } = await import("./gcs_token.ts");
  const { StoreHttp } = await import("./store_http.ts");
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
export async function openDirectory(directory: string): Promise<ObjectStore> {
  const { DirectoryStore } = await import("./directory_store.ts");
  return new DirectoryStore(directory);
}
