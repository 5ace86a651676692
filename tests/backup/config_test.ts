import assert from "node:assert/strict";
import { hasZstd } from "../../src/base/zstd.ts";
import { parseAutoBackup, parseAutoRestore } from "../../src/backup/config.ts";

const sub = { dir: "/backups", name: "db.gz" };
const least = { type: "file", interval: "1m", sub };

const none = () => undefined;
const backup = (value: unknown) => parseAutoBackup(JSON.stringify(value), none);
const restore = (value: unknown) => parseAutoRestore(JSON.stringify(value), none);

Deno.test("parseAutoBackup takes rqlite's file, with its defaults", () => {
  assert.deepEqual(backup(least), {
    config: {
      destination: { type: "file", directory: "/backups", name: "db.gz" },
      intervalMs: 60_000,
      timestamp: false,
      compression: "gzip",
      vacuum: false,
      verifyIntervalMs: 24 * 3_600_000,
      keepCount: 0,
      keepMs: 0,
    },
    unknownKeys: [],
  });
  assert.equal(backup({ ...least, interval: 1_500_000_000 }).config.intervalMs, 1_500);
  assert.equal(backup({ ...least, no_compress: true }).config.compression, "none");
  if (hasZstd()) {
    assert.equal(backup({ ...least, compression: "zstd" }).config.compression, "zstd");
  }
  for (const version of [0, -1, 1]) assert.ok(backup({ ...least, version }));
});

Deno.test("parseAutoBackup reads the keys of S3 and Google, from the environment too", () => {
  const text = `{"type":"s3","interval":"5m","sub":{"access_key_id":"$ID","secret_access_key":
    "\${SECRET}","endpoint":"minio:9000","region":"eu","bucket":"b","path":"p/q",
    "force_path_style":true}}`;
  const environment = (name: string) => ({ ID: "id1", SECRET: "s1" })[name];
  assert.deepEqual(parseAutoBackup(text, environment).config.destination, {
    type: "s3",
    accessKeyId: "id1",
    secretAccessKey: "s1",
    endpoint: "minio:9000",
    region: "eu",
    bucket: "b",
    path: "p/q",
    forcePathStyle: true,
  });
  const google = {
    endpoint: "",
    project_id: "p",
    bucket: "b",
    name: "n",
    credentials_path: "/account.json",
  };
  assert.deepEqual(backup({ ...least, type: "gcs", sub: google }), {
    ...backup(least),
    config: {
      ...backup(least).config,
      destination: {
        type: "gcs",
        endpoint: "",
        bucket: "b",
        name: "n",
        credentialsPath: "/account.json",
      },
    },
  });
});

Deno.test("what is wrong with a file of -auto-backup is said in rqlite's words", () => {
  const cases: [unknown, string][] = [
    [{ ...least, version: 2 }, "invalid version"],
    [{ ...least, type: "S3" }, "unsupported storage type"],
    [{ ...least, type: undefined }, "unsupported storage type"],
    [{ ...least, type: 3 }, "unsupported storage type"],
    [{ ...least, interval: undefined }, "invalid interval"],
    [{ ...least, interval: "0s" }, "invalid interval"],
    [{ ...least, interval: -1 }, "invalid interval"],
    [{ ...least, interval: "5" }, 'time: missing unit in duration "5"'],
    [{ ...least, interval: "1d" }, 'time: unknown unit "d" in duration "1d"'],
    [{ ...least, interval: true }, "invalid duration"],
    [{ ...least, sub: undefined }, "unexpected end of JSON input"],
    [{ ...least, sub: { ...sub, dir: "x" } }, "directory path must be absolute: x"],
    [{ ...least, sub: { ...sub, dir: "" } }, "directory path must be absolute: ."],
    [
      { ...least, sub: { ...sub, name: "a/b" } },
      "invalid file parameter: a/b (must be a simple filename without path separators)",
    ],
    [
      { ...least, timestamp: "yes" },
      "json: cannot unmarshal string into Go struct field Config.timestamp of type bool",
    ],
    [[], "json: cannot unmarshal array into Go value of type Config"],
    [{ ...least, keep: 3 }, "keep and keep_for need timestamp: without it there is one backup"],
    [{ ...least, compression: "xz" }, "compression must be gzip or zstd, not xz"],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => backup(value), { name: "ConfigError", message }, JSON.stringify(value));
  }
  assert.throws(() => parseAutoBackup("", none), { message: "unexpected end of JSON input" });
});

Deno.test("a file of -auto-backup that is not JSON is refused without a word of its secrets", () => {
  const text = '{"type":"s3","sub":{"secret_access_key":"hush" "region":1}}';
  assert.throws(() => parseAutoBackup(text, none), (error) => {
    assert.ok(error instanceof Error);
    assert.doesNotMatch(error.message, /hush/);
    return true;
  });
});

Deno.test("keys that mean nothing are told, those of the other flag are not", () => {
  const { unknownKeys } = backup({
    ...least,
    timeout: "1s",
    intervall: "2s",
    sub: { ...sub, x: 1 },
  });
  assert.deepEqual(unknownKeys, ["intervall", "sub.x"]);
  assert.deepEqual(restore({ ...least, keep: 3, timestamp: true }).unknownKeys, []);
});

Deno.test("parseAutoRestore takes rqlite's file, and a directory too", () => {
  assert.deepEqual(restore(least).config, {
    destination: { type: "file", directory: "/backups", name: "db.gz" },
    timeoutMs: 30_000,
    continueOnFailure: false,
    point: undefined,
  });
  const more = restore({ ...least, timeout: "5m", continue_on_failure: true }).config;
  assert.equal(more.timeoutMs, 300_000);
  assert.equal(more.continueOnFailure, true);
  assert.throws(() => restore({ ...least, timeout: "0s" }), { message: "invalid interval" });
});
