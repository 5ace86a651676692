import assert from "node:assert/strict";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { AwsCredentialChain, profileIn } from "../../src/object_store/aws_credentials.ts";
import { StoreHttp } from "../../src/object_store/store_http.ts";
import { withDirectory } from "../directory.ts";

const noKeys = { accessKeyId: "", secretAccessKey: "" };
const soon = () => new Date(Date.now() + 3_600_000).toISOString();

/** A chain in an environment; its sources are where it says. */
function chainOf(environment: Record<string, string>, keys = noKeys) {
  const http = new StoreHttp();
  const variables: Record<string, string> = {
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere",
    ...environment,
  };
  const chain = new AwsCredentialChain({
    keys,
    region: "eu-central-1",
    environment: (name) => variables[name],
    http,
    clock: new DenoClock(),
  });
  return { get: () => chain.get(), [Symbol.dispose]: () => http.close() };
}

/** What such a chain finds. */
async function found(environment: Record<string, string>, keys = noKeys) {
  using chain = chainOf(environment, keys);
  return await chain.get();
}

/** A stand-in for what lends keys. */
async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  body: (url: string) => Promise<void>,
): Promise<void> {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(options, answer);
  await body(`http://127.0.0.1:${server.addr.port}`);
}

Deno.test("AwsCredentialChain takes the configuration's keys before the environment's", async () => {
  const environment = {
    AWS_ACCESS_KEY_ID: "env",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "token",
  };
  assert.deepEqual(await found(environment), {
    accessKeyId: "env",
    secretAccessKey: "secret",
    sessionToken: "token",
  });
  const keys = { accessKeyId: "own", secretAccessKey: "s" };
  assert.deepEqual(await found(environment, keys), keys);
});

Deno.test("AwsCredentialChain reads the profile that is named", async () => {
  const text = "[default]\naws_access_key_id=d\naws_secret_access_key = e\n# no\n" +
    "[other]\r\naws_access_key_id = a=b\r\naws_secret_access_key=c\r\naws_session_token=t\r\n";
  assert.deepEqual([...profileIn(text, "none")], []);
  await withDirectory(async (directory) => {
    const path = `${directory}/credentials`;
    await Deno.writeTextFile(path, text);
    const environment = { AWS_SHARED_CREDENTIALS_FILE: path };
    assert.deepEqual(await found(environment), {
      accessKeyId: "d",
      secretAccessKey: "e",
    });
    assert.deepEqual(await found({ ...environment, AWS_PROFILE: "other" }), {
      accessKeyId: "a=b",
      secretAccessKey: "c",
      sessionToken: "t",
    });
  });
});

Deno.test("AwsCredentialChain borrows the container's and the machine's keys, and keeps them while they last", async () => {
  const lent = { AccessKeyId: "a", SecretAccessKey: "b", Token: "t", Expiration: soon() };
  const expectation = { accessKeyId: "a", secretAccessKey: "b", sessionToken: "t" };
  let asked = 0;
  await withServer((request) => {
    asked++;
    assert.equal(request.headers.get("authorization"), "let me in");
    return Response.json(lent);
  }, async (url) => {
    using chain = chainOf({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/keys`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "let me in",
    });
    assert.deepEqual(await chain.get(), expectation);
    assert.deepEqual(await chain.get(), expectation);
    assert.equal(asked, 1);
  });
  await withServer((request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") return new Response("sesame");
    assert.equal(request.headers.get("x-aws-ec2-metadata-token"), "sesame");
    const folder = "/latest/meta-data/iam/security-credentials/";
    return pathname === folder ? new Response("my-role") : Response.json(
      pathname === `${folder}my-role` ? { ...lent, Expiration: "2020-01-01T00:00:00Z" } : {},
    );
  }, async (url) => {
    using chain = chainOf({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
    assert.deepEqual(await chain.get(), expectation);
  });
});

Deno.test("AwsCredentialChain takes a role by a web identity", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/token`, "jwt\n");
    await withServer(async (request) => {
      const form = new URLSearchParams(await request.text());
      assert.equal(form.get("WebIdentityToken"), "jwt");
      assert.equal(form.get("RoleArn"), "arn:role");
      return new Response(
        `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>
        <SessionToken>t</SessionToken><Expiration>${soon()}</Expiration></Credentials>
        </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      );
    }, async (url) => {
      using chain = chainOf({
        AWS_WEB_IDENTITY_TOKEN_FILE: `${directory}/token`,
        AWS_ROLE_ARN: "arn:role",
        AWS_ENDPOINT_URL_STS: url,
      });
      assert.deepEqual(await chain.get(), {
        accessKeyId: "a",
        secretAccessKey: "b",
        sessionToken: "t",
      });
    });
  });
});

Deno.test("AwsCredentialChain says what to give when there are no keys anywhere", async () => {
  await assert.rejects(
    found({ AWS_EC2_METADATA_DISABLED: "true" }),
    /there are no keys: give access_key_id and secret_access_key/,
  );
  await withServer(() => new Response("", { status: 404 }), async (url) => {
    await assert.rejects(
      found({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
      /this machine has none to lend: http:.* gave no keys: 404/,
    );
  });
});
