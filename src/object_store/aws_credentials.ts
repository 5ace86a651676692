import { ObjectStoreError } from "./types.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The keys of the configuration, or else those of the environment, as Amazon's tools name them. */
export function awsCredentials(
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
  environment: (name: string) => string | undefined,
): AwsCredentials {
  if (keys.accessKeyId !== "" && keys.secretAccessKey !== "") return keys;
  const accessKeyId = environment("AWS_ACCESS_KEY_ID") ?? "";
  const secretAccessKey = environment("AWS_SECRET_ACCESS_KEY") ?? "";
  const sessionToken = environment("AWS_SESSION_TOKEN") ?? "";
  if (accessKeyId === "" || secretAccessKey === "") {
    throw new ObjectStoreError(
      "denied",
      "S3: there are no keys: give access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === "" ? {} : { sessionToken }) };
}
