import assert from "node:assert/strict";
import { resolve } from "node:path";
import { FlagError } from "../../src/cli/flag_error.ts";
import { flagTable } from "../../src/cli/flag_table.ts";
import type { FlagName } from "../../src/cli/flag_table.ts";
import type { FlagSpec } from "../../src/cli/flag_spec.ts";
import { foreignFlags } from "../../src/cli/foreign_flags.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import type { Configuration } from "../../src/cli/flags.ts";
import { helpText } from "../../src/cli/help.ts";

function serveWith(
  ...args: string[]
): { configuration: Configuration; warnings: readonly string[] } {
  const invocation = parseFlags(args);
  assert.ok(invocation.type === "serve");
  return invocation;
}

function configured(...args: string[]): Configuration {
  return serveWith(...args).configuration;
}

function refusal(args: readonly string[]): FlagError {
  try {
    parseFlags(args);
  } catch (error) {
    assert.ok(error instanceof FlagError);
    return error;
  }
  throw new assert.AssertionError({ message: `Accepted: ${args.join(" ")}` });
}

Deno.test("parseFlags without arguments gives a node of its own with rqlite's defaults", () => {
  const { flags: _, ...configuration } = configured();
  assert.deepEqual(configuration, {
    backups: {
      backupPath: "",
      restorePath: "",
      archive: { target: "", lagMs: 10_000, baseIntervalMs: 86_400_000, keepMs: 0, keepBases: 0 },
    },
    dataDirectory: resolve("raftlite-data"),
    nodeId: "127.0.0.1:4002",
    http: {
      address: "127.0.0.1:4001",
      advertisedAddress: "127.0.0.1:4001",
      usersPath: "",
      joinAs: "",
      allowOrigin: "",
      bodyBytesMax: 64 * 1024 * 1024,
      keyKeptMs: 24 * 3_600_000,
      transactionOpenMs: 60_000,
      transactionIdleMs: 5_000,
      headerTimeoutMs: 30_000,
      idleTimeoutMs: 180_000,
      connectionsMax: 8192,
      threads: 1,
      tls: undefined,
    },
    cluster: {
      join: [],
      joinAttempts: 5,
      joinIntervalMs: 3000,
      bootstrapExpect: 0,
      bootstrapExpectTimeoutMs: 120_000,
      connectTimeoutMs: 5_000,
      nonVoter: false,
      standby: false,
      roleTimes: { standbyMs: 30_000, reapMs: 0, reapReadOnlyMs: 0 },
      allowSqliteMismatch: false,
      shutdownOnRemove: false,
      removeOnShutdown: false,
      stepDownOnShutdown: true,
    },
    audit: undefined,
    nodeTls: { type: "off" },
    discovery: undefined,
    otlp: undefined,
    raft: {
      address: "127.0.0.1:4002",
      advertisedAddress: "127.0.0.1:4002",
      heartbeatTimeoutMs: 1000,
      leaderLeaseTimeoutMs: 500,
      applyTimeoutMs: 10_000,
      snapshotEntries: 8192,
      snapshotIntervalMs: 10_000,
      snapshotWalBytes: 16 * 1024 * 1024,
      logLevel: "INFO",
    },
    database: {
      readConnectionsMax: 0,
      foreignKeys: false,
      slow: undefined,
      changesBytes: undefined,
      extensions: { paths: [], safe: [] },
      upkeep: { vacuumMs: 0, optimizeMs: 86_400_000, vacuumMode: "full" },
      scrubMs: 86_400_000,
      pageCheckMs: 3_600_000,
      repairs: true,
      changesHeld: false,
    },
    cdc: "",
    writeQueue: { capacity: 1024, batchSize: 128, timeoutMs: 50, transaction: false },
  });
});

/** Flags that mean something only together: node_tls_flags_test.ts has them. */
type NodeTlsFlag = Exclude<Extract<FlagName, `node-${string}`>, "node-id">;

/** Flags that mean something only together. */
type HttpsFlag =
  | "http-cert"
  | "http-key"
  | "http-ca-cert"
  | "http-verify-client"
  | "http-verify-common-name";

Deno.test("parseFlags takes the flags of HTTPS together", () => {
  const pair = ["-http-cert", "c.pem", "-http-key", "k.pem"];
  const https = { certPath: "c.pem", keyPath: "k.pem", caPath: "" };
  assert.deepEqual(configured(...pair, "data").http.tls, {
    ...https,
    verifyClient: false,
    commonName: "",
  });
  const clients = ["-http-ca-cert=ca.pem", "-http-verify-client", "-http-verify-common-name=alice"];
  assert.deepEqual(configured(...pair, ...clients, "data").http.tls, {
    ...https,
    caPath: "ca.pem",
    verifyClient: true,
    commonName: "alice",
  });
  assert.equal(configured("-http-ca-cert=ca.pem", "data").http.tls, undefined);
});

Deno.test("parseFlags takes an audit log outside the data directory, or standard error", () => {
  assert.equal(configured("data").audit, undefined);
  const sql = configured("-audit-log=stderr", "-audit-log-sql", "data");
  assert.deepEqual(sql.audit, { target: "stderr", wantsSql: true });
  assert.match(refusal(["-audit-log-sql"]).message, /needs -audit-log/);
  for (const path of ["data", "data/audit.log", "data/x/audit.log", "./data/../data/a"]) {
    assert.match(refusal([`-audit-log=${path}`, "data"]).message, /lies in the data directory/);
  }
  assert.equal(
    configured("-audit-log=database.log", "data").audit?.target,
    resolve("database.log"),
  );
  assert.equal(configured("-audit-log=data.log", "data").audit?.target, resolve("data.log"));
});

/** For every other flag: a value that is not its default, and where it must turn up. */
const everyFlag: Readonly<
  Record<
    Exclude<
      FlagName,
      | "help"
      | "version"
      | "config"
      | "join-as"
      | "slow-query-values"
      | "extensions-safe"
      | OtlpFlag
      | "disco-key"
      | "disco-config"
      | "audit-log-sql"
      | NodeTlsFlag
      | HttpsFlag
    >,
    readonly [text: string, read: (configuration: Configuration) => unknown, expected: unknown]
  >
> = {
  "node-id": ["n1", (c) => c.nodeId, "n1"],
  "http-addr": ["10.0.0.1:5001", (c) => c.http.address, "10.0.0.1:5001"],
  "http-adv-addr": ["db.example:80", (c) => c.http.advertisedAddress, "db.example:80"],
  "auth": ["users.json", (c) => c.http.usersPath, "users.json"],
  "http-allow-origin": ["https://a.example", (c) => c.http.allowOrigin, "https://a.example"],
  "http-body-limit": ["512MiB", (c) => c.http.bodyBytesMax, 512 * 1024 ** 2],
  "tx-max-open": ["10s", (c) => c.http.transactionOpenMs, 10_000],
  "tx-idle-timeout": ["1s", (c) => c.http.transactionIdleMs, 1_000],
  "idempotency-key-ttl": ["1h", (c) => c.http.keyKeptMs, 3_600_000],
  "http-header-timeout": ["5s", (c) => c.http.headerTimeoutMs, 5_000],
  "http-idle-timeout": ["1m", (c) => c.http.idleTimeoutMs, 60_000],
  "http-threads": ["3", (c) => c.http.threads, 3],
  "http-max-connections": ["100", (c) => c.http.connectionsMax, 100],
  "raft-addr": ["10.0.0.1:5002", (c) => c.raft.address, "10.0.0.1:5002"],
  "raft-adv-addr": ["db.example:5002", (c) => c.raft.advertisedAddress, "db.example:5002"],
  "join": ["a:1,b:2", (c) => c.cluster.join, ["a:1", "b:2"]],
  "join-attempts": ["7", (c) => c.cluster.joinAttempts, 7],
  "join-interval": ["1.5s", (c) => c.cluster.joinIntervalMs, 1500],
  "raft-standby": ["true", (c) => c.cluster.standby, true],
  "raft-standby-timeout": ["5s", (c) => c.cluster.roleTimes.standbyMs, 5_000],
  "raft-reap-node-timeout": ["72h", (c) => c.cluster.roleTimes.reapMs, 259_200_000],
  "raft-reap-read-only-node-timeout": ["1h", (c) => c.cluster.roleTimes.reapReadOnlyMs, 3_600_000],
  "disco-mode": ["consul-kv", (c) => c.discovery?.mode, "consul-kv"],
  "bootstrap-expect": ["1", (c) => c.cluster.bootstrapExpect, 1],
  "bootstrap-expect-timeout": ["1m", (c) => c.cluster.bootstrapExpectTimeoutMs, 60_000],
  "cluster-connect-timeout": ["1s", (c) => c.cluster.connectTimeoutMs, 1000],
  "raft-non-voter": ["true", (c) => c.cluster.nonVoter, true],
  "allow-sqlite-mismatch": ["true", (c) => c.cluster.allowSqliteMismatch, true],
  "audit-log": ["a.log", (c) => c.audit, { target: resolve("a.log"), wantsSql: false }],
  "raft-heartbeat-timeout": ["200ms", (c) => c.raft.heartbeatTimeoutMs, 200],
  "raft-leader-lease-timeout": ["100ms", (c) => c.raft.leaderLeaseTimeoutMs, 100],
  "raft-apply-timeout": ["20s", (c) => c.raft.applyTimeoutMs, 20_000],
  "raft-snap": ["100", (c) => c.raft.snapshotEntries, 100],
  "raft-snap-int": ["1s", (c) => c.raft.snapshotIntervalMs, 1000],
  "raft-snap-wal-size": ["1000000", (c) => c.raft.snapshotWalBytes, 1_000_000],
  "raft-shutdown-stepdown": ["false", (c) => c.cluster.stepDownOnShutdown, false],
  "raft-remove-shutdown": ["true", (c) => c.cluster.shutdownOnRemove, true],
  "raft-cluster-remove-shutdown": ["true", (c) => c.cluster.removeOnShutdown, true],
  "raft-log-level": ["debug", (c) => c.raft.logLevel, "DEBUG"],
  "db-max-ro-conns": ["8", (c) => c.database.readConnectionsMax, 8],
  "fk": ["true", (c) => c.database.foreignKeys, true],
  "cdc-config": ["http://127.0.0.1:9/cdc", (c) => c.cdc, "http://127.0.0.1:9/cdc"],
  "changes-size": ["64MiB", (c) => c.database.changesBytes, 64 * 1024 * 1024],
  "extensions-path": [
    "a.so,,b.zip",
    (c) => c.database.extensions.paths,
    ["a.so", "b.zip"],
  ],
  "auto-vacuum-int": ["720h", (c) => c.database.upkeep.vacuumMs, 2_592_000_000],
  "auto-vacuum-mode": ["incremental", (c) => c.database.upkeep.vacuumMode, "incremental"],
  "auto-optimize-int": ["0s", (c) => c.database.upkeep.optimizeMs, 0],
  "page-check-interval": ["5m", (c) => c.database.pageCheckMs, 300_000],
  "scrub-interval": ["1h", (c) => c.database.scrubMs, 3_600_000],
  "auto-repair": ["false", (c) => c.database.repairs, false],
  "slow-query": [
    "100ms",
    (c) => c.database.slow,
    { thresholdMs: 100, withValues: false },
  ],
  "write-queue-capacity": ["2048", (c) => c.writeQueue.capacity, 2048],
  "write-queue-batch-size": ["64", (c) => c.writeQueue.batchSize, 64],
  "write-queue-timeout": ["1s", (c) => c.writeQueue.timeoutMs, 1000],
  "write-queue-tx": ["true", (c) => c.writeQueue.transaction, true],
  "archive": ["/archive", (c) => c.backups.archive.target, "/archive"],
  "archive-lag": ["5s", (c) => c.backups.archive.lagMs, 5_000],
  "archive-base-interval": ["1h", (c) => c.backups.archive.baseIntervalMs, 3_600_000],
  "archive-keep": ["720h", (c) => c.backups.archive.keepMs, 720 * 3_600_000],
  "archive-keep-bases": ["3", (c) => c.backups.archive.keepBases, 3],
  "auto-restore": ["restore.json", (c) => c.backups.restorePath, "restore.json"],
  "auto-backup": ["backup.json", (c) => c.backups.backupPath, "backup.json"],
};

for (const [name, [text, read, expected]] of Object.entries(everyFlag)) {
  Deno.test(`parseFlags takes -${name} with one dash or two`, () => {
    const forms = [[`-${name}=${text}`], [`--${name}=${text}`]];
    const kind = Object.entries<FlagSpec>(flagTable).find(([known]) => known === name)?.[1].kind;
    if (kind !== "switch") forms.push([`-${name}`, text], [`--${name}`, text]);
    else if (text === "true") forms.push([`-${name}`], [`--${name}`]);
    for (const form of forms) assert.deepEqual(read(configured(...form, "data")), expected);
    assert.notDeepEqual(read(configured("data")), expected);
  });
}

Deno.test("parseFlags takes the flags of discovery together", () => {
  const flags = ["-disco-mode", "dns", "-disco-config", '{"name":"db"}', "-bootstrap-expect", "3"];
  assert.deepEqual(configured(...flags, "data").discovery, {
    mode: "dns",
    key: "rqlite",
    configuration: '{"name":"db"}',
  });
  assert.equal(configured("-disco-key", "k", "data").discovery, undefined);
  const replica = configured("-disco-mode=dns-srv", "-raft-non-voter", "data");
  assert.equal(replica.discovery?.mode, "dns-srv");
  const refused: readonly [RegExp, ...string[]][] = [
    [/must be one of consul-kv, etcd-kv, dns, or dns-srv, not zk/, "-disco-mode", "zk"],
    [/-disco-mode and -join exclude each other/, "-disco-mode=etcd-kv", "-join=h:1"],
    [/-disco-mode dns needs -bootstrap-expect/, "-disco-mode=dns"],
    [/no meaning with -disco-mode consul-kv/, "-disco-mode=consul-kv", "-bootstrap-expect=3"],
    [/-disco-config needs -disco-mode/, "-disco-config={}"],
  ];
  for (const [text, ...args] of refused) {
    const error = refusal([...args, "data"]);
    assert.equal(error.exitCode, 1);
    assert.match(error.message, text);
  }
});

Deno.test("parseFlags takes -slow-query-values beside -slow-query only", () => {
  const { slow } = configured("-slow-query=1s", "-slow-query-values").database;
  assert.deepEqual(slow, { thresholdMs: 1000, withValues: true });
  assert.match(refusal(["-slow-query-values"]).message, /needs -slow-query/);
});

Deno.test("parseFlags takes -extensions-safe beside -extensions-path only, whatever the case of its names", () => {
  const { safe } = configured("-extensions-path=a.so", "-extensions-safe=Median, b,median").database
    .extensions;
  assert.deepEqual(safe, ["b", "median"]);
  assert.match(refusal(["-extensions-safe=f"]).message, /needs -extensions-path/);
  const many = `-extensions-safe=${"f".repeat(2_001)}`;
  assert.match(refusal(["-extensions-path=a.so", many]).message, /over 2000 characters/);
});

type OtlpFlag = Extract<FlagName, `otlp-${string}`>;

Deno.test("parseFlags takes the flags of OTLP as rqlite does, and refuses them with its words", () => {
  assert.equal(configured().otlp, undefined);
  assert.equal(configured("-otlp-interval=1s").otlp, undefined);
  const endpoint = "-otlp-endpoint=collector:4317";
  const plain = {
    endpoint: "collector:4317",
    protocol: "grpc",
    intervalMs: 30_000,
    traceRatio: 0,
    insecure: false,
    noVerify: false,
    caPath: "",
    certPath: "",
    keyPath: "",
  };
  assert.deepEqual(configured(endpoint).otlp, plain);
  assert.deepEqual(
    configured(endpoint, "-otlp-protocol=http", "-otlp-interval=2s", "-otlp-insecure").otlp,
    { ...plain, protocol: "http", intervalMs: 2000, insecure: true },
  );
  assert.equal(configured(endpoint, "-otlp-trace-ratio=0.25").otlp?.traceRatio, 0.25);
  const files = ["-otlp-ca-cert=ca", "-otlp-cert=cert", "-otlp-key=key"];
  assert.deepEqual(
    configured(endpoint, "-otlp-no-verify", ...files).otlp,
    { ...plain, noVerify: true, caPath: "ca", certPath: "cert", keyPath: "key" },
  );
  for (
    const [flags, message] of [
      [["-otlp-endpoint=http://c:1"], "-otlp-endpoint must not include a protocol scheme"],
      [["-otlp-endpoint=c"], "-otlp-endpoint is not a valid address"],
      [["-otlp-endpoint=c:0"], "-otlp-endpoint is not a valid address"],
      [[endpoint, "-otlp-interval=0s"], "-otlp-interval must be greater than zero"],
      [["-otlp-insecure"], "OTLP options require -otlp-endpoint"],
      [["-otlp-ca-cert=ca"], "OTLP options require -otlp-endpoint"],
      [
        [endpoint, "-otlp-insecure", "-otlp-no-verify"],
        "-otlp-insecure cannot be used with other OTLP TLS options",
      ],
      [[endpoint, "-otlp-cert=c"], "either both -otlp-cert and -otlp-key must be set, or neither"],
      [["-otlp-trace-ratio=0.5"], "OTLP options require -otlp-endpoint"],
      [
        [endpoint, "-otlp-trace-ratio=2"],
        '-otlp-trace-ratio "2"? It is a number from 0 to 1',
      ],
      [[endpoint, "-otlp-protocol=udp"], '-otlp-protocol "udp"? It is grpc or http'],
    ] as const
  ) assert.equal(refusal([...flags]).message, message);
});

Deno.test("parseFlags takes switches as Go does", () => {
  for (const text of ["1", "t", "T", "TRUE", "true", "True"]) {
    assert.equal(configured(`-fk=${text}`).database.foreignKeys, true);
  }
  for (const text of ["0", "f", "F", "FALSE", "false", "False"]) {
    assert.equal(configured(`-fk=${text}`).database.foreignKeys, false);
  }
  assert.equal(refusal(["-fk=yes"]).exitCode, 2);
  assert.match(refusal(["-fk", "false"]).message, /-fk=false/);
});

Deno.test("parseFlags takes the last of several, values with = and -, and flags after the directory", () => {
  assert.equal(configured("-node-id", "a", "-node-id", "b").nodeId, "b");
  assert.equal(configured("-node-id=a=b").nodeId, "a=b");
  assert.equal(configured("-node-id", "-fk").nodeId, "-fk");
  assert.equal(configured("-node-id", "-fk").database.foreignKeys, false);
  assert.equal(configured("data", "-node-id", "a").nodeId, "a");
  assert.equal(configured("--", "-data").dataDirectory, resolve("-data"));
  assert.equal(configured("/var/lib/x").dataDirectory, "/var/lib/x");
});

Deno.test("parseFlags cuts a time to connect that would leave a link untried, and says so", () => {
  for (const [text, connectTimeoutMs] of [["5s", 5_000], ["50ms", 50]] as const) {
    const { configuration, warnings } = serveWith(`-cluster-connect-timeout=${text}`);
    assert.equal(configuration.cluster.connectTimeoutMs, connectTimeoutMs);
    assert.deepEqual(warnings, []);
  }
  const { configuration, warnings } = serveWith("-cluster-connect-timeout=30s");
  assert.equal(configuration.cluster.connectTimeoutMs, 5_000);
  assert.deepEqual(warnings, ["Flag -cluster-connect-timeout counts as its most, 5000ms"]);
  assert.match(helpText(), /connection to another node; 5s at most/);
});

Deno.test("parseFlags derives the node's name and the advertised addresses", () => {
  const { nodeId, http, raft } = configured(
    ...["-http-addr=:4001", "-http-adv-addr=h:4001"],
    ...["-raft-addr=[::]:4002", "-raft-adv-addr=[2001:db8::1]:4002"],
  );
  assert.deepEqual([http.address, http.advertisedAddress], ["0.0.0.0:4001", "h:4001"]);
  assert.deepEqual([raft.address, raft.advertisedAddress], ["[::]:4002", "[2001:db8::1]:4002"]);
  assert.equal(nodeId, "[2001:db8::1]:4002");
  assert.equal(configured("-raft-heartbeat-timeout=300ms").raft.leaderLeaseTimeoutMs, 150);
});

const refused: readonly [args: string, exitCode: 1 | 2, message: RegExp][] = [
  ["-htpp-addr h:1", 2, /^Unknown flag -htpp-addr: did you mean -http-addr\?$/],
  ["-http-cret x", 2, /did you mean -http-cert\?$/],
  ["-entirely-different-thing", 2, /^Unknown flag -entirely-different-thing: see -help/],
  ["-constructor", 2, /^Unknown flag -constructor/],
  ["-x", 2, /^Unknown flag -x: see -help/],
  ["-foo", 2, /^Unknown flag -foo: see -help/],
  ["-fx", 2, /^Unknown flag -fx: did you mean -fk\?$/],
  ["-http-allow-origin a\r\nb", 1, /^Invalid value "a\\r\\nb" for flag -http-allow-origin: /],
  ["-http-allow-origin a€", 1, /flag -http-allow-origin: no header can hold it$/],
  ["---fk", 2, /^Bad flag syntax: ---fk$/],
  ["-=x", 2, /^Bad flag syntax/],
  ["-node-id", 2, /^Flag needs a value: -node-id$/],
  [
    "-join-interval 5",
    2,
    /^Invalid value "5" for flag -join-interval: missing unit in duration "5"$/,
  ],
  ["-join-interval 0s", 2, /at least 1ms/],
  ["-join-interval -1s", 2, /at least 1ms/],
  ["-raft-snap-int 1000h", 2, /at most/],
  ["-raft-snap 1.5", 2, /not a whole number/],
  ["-raft-snap 0", 2, /at least 1/],
  ["-bootstrap-expect 256", 2, /at most 255/],
  ["-bootstrap-expect -1", 2, /not a whole number/],
  ["-http-cert c.pem", 1, /^-http-cert needs -http-key: /],
  ["-http-key k.pem", 1, /^-http-key needs -http-cert: /],
  ["-http-verify-client", 1, /^-http-verify-client needs -http-cert and -http-key: /],
  ["-http-verify-common-name a", 1, /^-http-verify-common-name needs -http-cert and -http-key: /],
  [
    "-http-cert c -http-key k -http-verify-common-name a",
    1,
    /^-http-verify-common-name needs -http-verify-client: /,
  ],
  ["-http-body-limit 1MB", 2, /not a number of bytes/],
  ["-raft-log-level LOUD", 2, /not one of DEBUG, INFO, WARN, ERROR/],
  ["a b", 1, /^Arguments after data directory a are not accepted: b$/],
  ["-http-addr 0.0.0.0:4001", 1, /HTTP address 0\.0\.0\.0:4001 is not routable.*-http-adv-addr/],
  ["-http-addr [::]:4001", 1, /is not routable/],
  ["-http-addr :4001", 1, /is not routable/],
  ["-raft-addr 0.0.0.0:4002", 1, /Raft address 0\.0\.0\.0:4002 is not routable.*-raft-adv-addr/],
  ["-http-adv-addr 0.0.0.0:4001", 1, /is not routable/],
  ["-http-addr h:0", 1, /has port 0/],
  ["-http-addr h", 1, /h has no port: write it as host:port/],
  ["-http-addr h:http", 1, /no valid port/],
  ["-http-addr h:65536", 1, /no valid port/],
  ["-http-addr ::1:4001", 1, /too many colons/],
  ["-http-addr http://h:4001", 1, /has a scheme/],
  ["-http-addr=", 1, /-http-addr is empty/],
  ["-http-addr h:1 -raft-addr h:1", 1, /^HTTP and Raft addresses must differ: both are h:1$/],
  ["-http-adv-addr h:1 -raft-adv-addr h:1", 1, /^Advertised HTTP and Raft addresses must differ/],
  ["-join http://h:4002", 1, /http:\/\/h:4002 has a scheme: write it as host:port/],
  ["-join h:1,,h:2", 1, /flag -join: an address is empty: write it as host:port$/],
  ["-join h:1,", 1, /flag -join: an address is empty/],
  ["-join 127.0.0.1:4002", 1, /^Node cannot join itself/],
  ["-raft-adv-addr h:2 -join h:2", 1, /^Node cannot join itself/],
  ["-bootstrap-expect 3", 1, /-bootstrap-expect 3 needs -join/],
  ["-bootstrap-expect 1 -raft-non-voter", 1, /exclude each other/],
  ["-raft-leader-lease-timeout 2s", 1, /must not be above -raft-heartbeat-timeout/],
  ["-raft-leader-lease-timeout 1ms", 1, /0s or at least 10ms/],
];

for (const [args, exitCode, message] of refused) {
  Deno.test(`parseFlags refuses ${args}`, () => {
    const error = refusal(args.split(" "));
    assert.match(error.message, message);
    assert.equal(error.exitCode, exitCode);
  });
}

Deno.test("parseFlags accepts a node's own address in -join when it bootstraps", () => {
  const { cluster } = configured("-bootstrap-expect=3", "-join=127.0.0.1:4002,b:4002,c:4002");
  assert.equal(cluster.bootstrapExpect, 3);
  assert.equal(cluster.join.length, 3);
});

for (const [name, { takesValue, off }] of foreignFlags) {
  Deno.test(`parseFlags passes over -${name}, and accepts it when it asks for nothing`, () => {
    const asking = takesValue ? [`-${name}`, "24h"] : [`-${name}`];
    const { warnings } = serveWith(...asking);
    assert.deepEqual(warnings, [`Flag -${name} has no effect here and was passed over`]);
    for (const text of off) assert.deepEqual(serveWith(`-${name}=${text}`).warnings, []);
  });
}

Deno.test("parseFlags answers -help and -version whatever else is asked", () => {
  for (const form of ["-h", "-help", "--help"]) {
    assert.deepEqual(parseFlags([form, "-http-addr", "0.0.0.0:1"]), { type: "help" });
  }
  assert.deepEqual(parseFlags(["-version"]), { type: "version" });
});

Deno.test("helpText names every flag with its default, in lines of at most 100 characters", () => {
  const lines = helpText().split("\n");
  for (const [name, spec] of Object.entries<FlagSpec>(flagTable)) {
    const at = lines.findIndex((line) => line.trimEnd() === `  -${name} ${spec.value}`.trimEnd());
    assert.notEqual(at, -1, `-${name} has no line of its own`);
    const text = lines.slice(at + 1, at + 4).join(" ");
    if (!["", "false"].includes(spec.default)) assert.ok(text.includes(spec.default), name);
  }
  for (const name of foreignFlags.keys()) assert.ok(helpText().includes(`-${name}`), name);
  for (const line of lines) assert.ok(line.length <= 100, line);
});

Deno.test("parseFlags takes -join-as with the file that has its password", () => {
  assert.equal(configured("-join-as", "bob", "-auth", "f", "data").http.joinAs, "bob");
  assert.throws(() => parseFlags(["-join-as", "bob", "data"]), {
    message: "-join-as needs -auth, the file with that user's password",
  });
});
