import assert from "node:assert/strict";
import { cdcConfigOf, parseCdcConfig } from "../../src/cdc/config.ts";
import { natsEndpoint } from "../../src/cdc/nats.ts";

const parse = (fields: Record<string, unknown>) =>
  parseCdcConfig(JSON.stringify({ endpoint: "http://h/", ...fields })).config;

Deno.test("-cdc-config takes endpoints and stdout by themselves, and anything else for a file", () => {
  assert.equal(cdcConfigOf("stdout")?.endpoint, "stdout");
  assert.equal(cdcConfigOf("https://h/cdc")?.endpoint, "https://h/cdc");
  for (const name of ["STDOUT", "HTTP://h", "cdc.json"]) assert.equal(cdcConfigOf(name), undefined);
});

Deno.test("a file of -cdc-config has rqlite's defaults", () => {
  assert.deepEqual(parse({}), {
    endpoint: "http://h/",
    serviceId: "",
    debezium: undefined,
    natsSubject: "raftlite.changes",
    natsCredentialsFile: "",
    rowIdsOnly: false,
    tableFilter: undefined,
    tls: undefined,
    batchSizeMax: 10,
    batchDelayMs: 200,
    watermarkIntervalMs: 1_000,
    timeoutMs: 5_000,
    triesMax: 0,
    doublesBackoff: false,
    backoffMinMs: 1_000,
    backoffMaxMs: 30_000,
  });
  const { batchSizeMax, batchDelayMs } = parse({ max_batch_size: -1, max_batch_delay: -5 });
  assert.deepEqual([batchSizeMax, batchDelayMs], [10, 200]);
});

Deno.test("a file of -cdc-config takes times as nanoseconds and as text, and policies by number and name", () => {
  const config = parse({
    max_batch_delay: "250ms",
    high_watermark_interval: 50_000_000,
    transmit_timeout: -1,
    transmit_min_backoff: "0.5s",
    transmit_retry_policy: 1,
    transmit_max_retries: 3,
  });
  assert.equal(config.batchDelayMs, 250);
  assert.equal(config.watermarkIntervalMs, 50);
  assert.equal(config.timeoutMs, 0);
  assert.equal(config.backoffMinMs, 500);
  assert.equal(config.triesMax, 3);
  assert.equal(config.doublesBackoff, true);
  assert.equal(parse({ transmit_retry_policy: "exponential" }).doublesBackoff, true);
  assert.equal(parse({ transmit_retry_policy: "linear" }).doublesBackoff, false);
});

Deno.test("a file of -cdc-config may be as rqlite's documentation has it", () => {
  const { config, unknownKeys } = parseCdcConfig(`{
    "endpoint": "https://webhook.example.com/cdc",
    "service_id": "prod-eu-cluster",
    "row_ids_only": false,
    "table_filter": "^(users|orders|inventory)$",
    "tls": {
      "ca_cert_file": "/etc/certs/ca.pem",
      "cert_file": "/etc/certs/client.crt",
      "key_file": "/etc/certs/client.key",
      "insecure_skip_verify": false,
      "server_name": "webhook.example.com"
    },
    "max_batch_size": 500,
    "max_batch_delay": "250ms",
    "high_watermark_interval": "1s",
    "transmit_timeout": "5s",
    "transmit_max_retries": 8,
    "transmit_retry_policy": "ExponentialRetryPolicy",
    "transmit_min_backoff": "100ms",
    "transmit_max_backoff": "5s"
  }`);
  assert.deepEqual(unknownKeys, []);
  assert.deepEqual([config.doublesBackoff, config.backoffMinMs, config.triesMax], [true, 100, 8]);
  assert.equal(parse({ transmit_retry_policy: "LinearRetryPolicy" }).doublesBackoff, false);
});

Deno.test("an endpoint of NATS is servers, and who asks, whose password is not shown", () => {
  assert.equal(cdcConfigOf("nats://h:4222")?.endpoint, "nats://h:4222");
  assert.deepEqual(natsEndpoint("tls://u%3A:p%40ss@a:4222,b"), {
    servers: ["tls://a:4222", "tls://b"],
    authorization: { user: "u:", pass: "p@ss" },
    name: "tls://u%3A:xxxxx@a:4222,b",
    isTls: true,
  });
  const { authorization, name } = natsEndpoint("nats://secret@h/");
  assert.deepEqual([authorization, name], [{ token: "secret" }, "nats://xxxxx@h"]);
});

Deno.test("a table filter is a pattern of RE2, anywhere in the name", () => {
  assert.ok(parse({ table_filter: "ord" }).tableFilter?.test("my_orders"));
  assert.ok(parse({ table_filter: "(?i)^ORD" }).tableFilter?.test("orders"));
  assert.ok(!parse({ table_filter: "^(?P<name>a|b)$" }).tableFilter?.test("ab"));
});

Deno.test("a file of -cdc-config that is wrong is refused with what is wrong", () => {
  const refusals: [Record<string, unknown>, RegExp][] = [
    [{ endpoint: "ftp://h" }, /^cdc: unsupported scheme "ftp"$/],
    [{ format: "avro" }, /^format must be "rqlite" or "debezium"$/],
    [{ debezium_schemas: true }, /^debezium_schemas is for the format debezium$/],
    [{ format: "debezium", row_ids_only: true }, /^row_ids_only is for rqlite's format/],
    [{ endpoint: "nats://" }, /^cdc: endpoint is not nats:\/\/HOST:PORT,…$/],
    [{ endpoint: "nats://h", tls: { server_name: "h" } }, /are not for NATS$/],
    [{ nats_subject: "a.>" }, /^nats_subject "a.>" is none that can be published to$/],
    [{ endpoint: "" }, /^cdc: unsupported scheme ""$/],
    [{ table_filter: "(" }, /^invalid regexp "\("$/],
    [{ high_watermark_interval: -1 }, /high_watermark_interval must not be negative/],
    [{ max_batch_delay: "soon" }, /max_batch_delay: time: invalid duration "soon"/],
    [
      { max_batch_size: "10" },
      /cannot unmarshal string into Go struct field cdc.Config.max_batch_size/,
    ],
    [{ transmit_retry_policy: "often" }, /transmit_retry_policy must be/],
    [{ transmit_min_backoff: "2m" }, /transmit_min_backoff is longer/],
    [{ tls: { cert_file: "a" } }, /both cert_file and key_file/],
  ];
  for (const [fields, message] of refusals) assert.throws(() => parse(fields), { message });
  assert.deepEqual(
    parseCdcConfig('{"endpoint":"http://h","max_batchsize":3}').unknownKeys,
    ["max_batchsize"],
  );
});
