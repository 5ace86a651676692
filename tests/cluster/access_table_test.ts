/** Who may do what, for every route of real nodes: of one that is alone, and of a follower. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Permission } from "../../src/access/types.ts";
import type { Route } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes.ts";
import { withDirectory } from "../directory.ts";
import type { RawConnection } from "../http/raw_connection.ts";
import { basic } from "./basic.ts";
import { type Answer, Cluster, eventually, type NodeProcess } from "./harness.ts";
import { ask as askRaw, threadsTest, TwoConnections } from "./two_connections.ts";

const root = basic("root", "of-root");

/** A request of each operation, and what it answers to who may make it. */
interface Operation {
  readonly path?: string;
  readonly type?: string;
  readonly body?: string;
  readonly answer: RegExp;
  /** To somebody with rights to the table `t`, when it is another. */
  readonly inTables?: RegExp;
  /** To who is kept out, when it is more than a status. */
  readonly refused?: RegExp;
}

const type = "application/json";
const hranaRefused = /^401 .*"code":"AUTH_REJECTED"/;
/** What there is no table for: the body is looked at by who may load, before anything is done. */
const operations: Readonly<Record<string, Operation>> = {
  "POST /db/execute": {
    ...{ type, body: '["INSERT INTO secret VALUES (1)"]', answer: /^200 .*"rows_affected":1/ },
    inTables: /^200 .*access to secret is prohibited/,
  },
  "GET /db/query": {
    ...{ path: "/db/query?q=SELECT+a+FROM+secret", answer: /^200 .*"values":\[\[1\]/ },
    inTables: /^200 .*access to [a-z.]+ is prohibited/,
  },
  "POST /db/query": {
    ...{ type, body: '["SELECT a FROM secret"]', answer: /^200 .*"values":\[\[1\]/ },
    inTables: /^200 .*access to [a-z.]+ is prohibited/,
  },
  "POST /db/request": {
    ...{ type, body: '["INSERT INTO secret VALUES (1)"]', answer: /^200 .*"rows_affected":1/ },
    inTables: /^200 .*access to secret is prohibited/,
  },
  "POST /db/begin": { answer: /^200 .*"tx"/ },
  "POST /db/commit": { answer: /^400 tx is missing/ },
  "POST /db/rollback": { answer: /^400 tx is missing/ },
  "GET /db/outcome": { answer: /^400 Idempotency-Key is missing/ },
  "GET /db/changes": { answer: /^404 this node keeps no changes/ },
  // Which would go on without end.
  "GET /db/watch": {
    path: "/db/watch?q=SELECT+a,abs(-9223372036854775807-1)+FROM+secret",
    answer: /^400 integer overflow/,
    inTables: /^400 access to [a-z.]+ is prohibited/,
  },
  "POST /db/watch": {
    ...{ type, body: '["SELECT a, abs(-9223372036854775807 - 1) FROM secret"]' },
    answer: /^400 integer overflow/,
    inTables: /^400 access to [a-z.]+ is prohibited/,
  },
  "GET /db/backup": { answer: /^200 SQLite format 3/, inTables: /^403 user "some/ },
  "POST /db/load": {
    ...{ body: "SELECT 1", answer: /^200 .*"results"/, inTables: /^403 user "some/ },
  },
  "POST /boot": {
    ...{ body: "x".repeat(64), answer: /^400 invalid SQLite data/, inTables: /^403 user "some/ },
  },
  "GET /db/sql": { path: "/db/sql?q=SELECT+1", answer: /^200 .*"original"/ },
  "POST /db/sql": { type, body: '["SELECT 1"]', answer: /^200 .*"original"/ },
  "DELETE /remove": { type, body: '{"id":"nobody"}', answer: /^200 / },
  "POST /snapshot": { answer: /^20[04] / },
  "POST /reap": { answer: /^200 .*snapshots_reaped/ },
  "GET /leader": { answer: /^200 .*"leader":true/ },
  "POST /leader": { type, body: '{"id":"nobody"}', answer: /^500 stepdown: node not found/ },
  "GET /upgrade": { answer: /^200 .*"can_be_raised"/s },
  "POST /upgrade": { answer: /^200 .*"version"/ },
  "GET /verify": { answer: /^200 .*"state"/s },
  "POST /verify": { answer: /^200 .*"state"/s },
  "POST /promote": { answer: /^409 This node is no standby/ },
  "GET /metrics": { answer: /^200 # HELP/ },
  "GET /debug/requests": { answer: /^200 .*requests/s },
  "DELETE /debug/requests/": { answer: /^400 the path must end with the id/ },
  "GET /debug/statements": { answer: /^200 .*statements/s, inTables: /^403 user "some/ },
  "GET /debug/pprof/profile": {
    ...{ path: "/debug/pprof/profile?seconds=0.01", answer: /^200 .*"samples"/s },
  },
  "GET /debug/pprof/allocs": { path: "/debug/pprof/allocs?seconds=0.01", answer: /^200 .*"head"/s },
  // All of it for so many users would take minutes: who is let in is told that Go's form is not here.
  "GET /debug/pprof/heap": {
    ...{ path: "/debug/pprof/heap?debug=1", answer: /^400 debug is Go's/, inTables: /^403 / },
  },
  "GET /debug/pprof": { answer: /^200 Profiles of/ },
  "GET /readyz": { answer: /^200 / },
  "GET /status": { answer: /^200 .*"build"/ },
  "GET /nodes": { answer: /^200 .*"api_addr"/ },
  "GET /licenses": { answer: /^200 / },
  "GET /debug/vars": { answer: /^200 / },
  "GET /debug/figures": { answer: /^200 .*"names"/ },
  "GET /debug/log": { answer: /^200 .*"lines"/, inTables: /^403 user "some/ },
  "GET /debug/audit": { answer: /^404 this node keeps no audit log/, inTables: /^403 user "some/ },
  "GET /debug/flags": { answer: /^200 .*"node-id"/ },
  "GET /debug/backups": { answer: /^200 \{\}/, inTables: /^403 user "some/ },
  "POST /debug/backups": {
    ...{ answer: /^409 the leader makes no backups by itself/, inTables: /^403 user "some/ },
  },
  "GET /debug/backups/verify": {
    ...{ answer: /^404 this node makes no backups by itself/, inTables: /^403 user "some/ },
  },
  "GET /whoami": { answer: /^200 .*"permissions"/ },
  "GET /console": { answer: /^302 / },
  "HEAD /console": { answer: /^302 / },
  "GET /console/": { answer: /^200 <!doctype html>/ },
  "HEAD /console/": { answer: /^200 $/ },
  "GET /openapi.json": { answer: /^200 .*"openapi"/ },
  "GET /v2": { answer: /^200 / },
  "GET /v3": { answer: /^200 / },
  "POST /v1/execute": {
    ...{ body: '{"stmt":{"sql":"SELECT a FROM secret"}}', answer: /^200 .*"value":"1"/s },
    ...{ refused: hranaRefused, inTables: /^400 .*access to [a-z.]+ is prohibited/ },
  },
  "POST /v1/batch": {
    body: '{"batch":{"steps":[{"stmt":{"sql":"INSERT INTO secret VALUES (1)"}}]}}',
    ...{ answer: /^200 .*"affected_row_count":1/, refused: hranaRefused },
    inTables: /^200 .*access to secret is prohibited/,
  },
  "POST /v2/pipeline": {
    body: '{"requests":[{"type":"execute","stmt":{"sql":"SELECT a FROM secret"}}]}',
    ...{ answer: /^200 .*"value":"1"/s, refused: hranaRefused },
    inTables: /^200 .*access to [a-z.]+ is prohibited/,
  },
  "POST /v3/pipeline": {
    body: '{"requests":[{"type":"execute","stmt":{"sql":"BEGIN"}},' +
      '{"type":"execute","stmt":{"sql":"INSERT INTO secret VALUES (1)"}},{"type":"close"}]}',
    ...{ answer: /^200 .*"affected_row_count":1/, refused: hranaRefused },
    inTables: /^200 .*access to secret is prohibited/,
  },
  "POST /v3/cursor": {
    body: '{"batch":{"steps":[{"stmt":{"sql":"SELECT a FROM secret"}}]}}',
    ...{ answer: /^200 .*"value":"1"/s, refused: hranaRefused },
    inTables: /^200 .*access to [a-z.]+ is prohibited/s,
  },
  "GET /": { answer: /^302 / },
};

function tokenHash(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}

/** Every permission by itself, so that one that is missing is all that is missing. */
const single: readonly Permission[] = [
  ...["query", "execute", "backup", "load", "remove", "snapshot"] as const,
  ...["status", "leader-ops", "ready", "ui"] as const,
];

/** The users of one route: their names end with its place in the list. */
function usersOf({ permissions }: Route, place: number): object[] {
  const password = `of-${place}`;
  return [
    {
      ...{ username: `has-${place}`, password, perms: permissions },
      tokens: [
        { name: "good", hash: tokenHash(`good-${place}`), expires: "2999-01-01" },
        { name: "over", hash: tokenHash(`over-${place}`), expires: "2001-01-01" },
      ],
    },
    {
      ...{ username: `some-${place}`, password, perms: permissions },
      tables: { read: ["t"], write: ["t"] },
    },
    ...permissions.map((missing) => ({
      ...{ username: `lacks-${missing}-${place}`, password },
      perms: single.filter((permission) => permission !== missing),
    })),
  ];
}

const named = [
  { username: "root", password: "of-root", perms: ["all"] },
  ...routes.flatMap(usersOf),
];

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks a node, by whichever connection. */
type Asking = (request: Request) => Promise<Answer>;

function byFetch(node: NodeProcess): Asking {
  return ({ method, path, body = null, headers }) =>
    node.fetch(path, { method, redirect: "manual", body, headers });
}

function byConnection(connection: RawConnection): Asking {
  return ({ method, path, body = "", headers }) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return askRaw(connection, { method, path, body, headers: lines.join("") });
  };
}

async function ask(asking: Asking, name: string, authorization: string): Promise<string> {
  const [method = "", path = ""] = name.split(" ");
  const operation = operations[name];
  assert(operation !== undefined, `${name} is not tried`);
  // So many wrong passwords come from here that the last of them have to wait for their turn.
  const { status, body } = await eventually<Answer>("its turn", async () => {
    const answer = await asking({
      ...{ method, path: operation.path ?? path, body: operation.body },
      headers: { authorization, ...(operation.type ? { "content-type": operation.type } : {}) },
    });
    return answer.status !== 429 && answer;
  });
  return `${status} ${body}`;
}

/** Who may do all and who may do nothing of one operation, at one node. */
async function checkOperation(node: Asking, name: string, route: Route): Promise<void> {
  const place = routes.indexOf(route);
  const { answer, inTables = answer } = operations[name] ?? {};
  assert(answer !== undefined && inTables !== undefined, `${name} is not tried`);
  const open = route.permissions.length === 0;
  const refused = open ? answer : operations[name]?.refused ?? /^401 $/;
  const password = `of-${place}`;
  const tried: [string, RegExp][] = [
    ["", refused],
    [basic(`nobody-${place}`, password), refused],
    [basic(`has-${place}`, `${name} wrong`), refused],
    ["Bearer wrong", refused],
    [`Bearer over-${place}`, refused],
    ...route.permissions.map((missing): [string, RegExp] => {
      return [basic(`lacks-${missing}-${place}`, password), refused];
    }),
    [root, answer],
    [basic(`has-${place}`, password), answer],
    [`Bearer good-${place}`, answer],
    [basic(`some-${place}`, password), open ? answer : inTables],
  ];
  for (const [authorization, expected] of tried) {
    const said = await ask(node, name, authorization);
    assert.match(said, expected, `${name} by ${authorization}: ${said}`);
  }
}

function operationsOf(route: Route): string[] {
  const methods = route.methods === "any" ? ["GET"] : route.methods;
  return methods.map((method) => `${method} ${route.path}`);
}

for (const size of [1, 3]) {
  const where = size === 1 ? "a node that is alone" : "a follower";
  Deno.test(`${where} lets everybody do what the users' file says, at every route, and no more`, () =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      await Deno.writeTextFile(file, JSON.stringify(named));
      const flags = ["-auth", file, "-join-as", "root"];
      await using cluster = await Cluster.start({ size, flags, authorization: root });
      const leader = await cluster.leader();
      await leader.execute(["CREATE TABLE secret (a)", "CREATE TABLE t (a)"]);
      await leader.execute(["INSERT INTO secret VALUES (1)"]);
      const node = size === 1 ? leader : await cluster.follower();
      await eventually("the row", async () => (await node.query("SELECT * FROM secret")).length);
      const asking = byFetch(node);
      for (const route of routes) {
        for (const name of operationsOf(route)) await checkOperation(asking, name, route);
      }

      // What everybody may do, anybody does, whatever they say of themselves.
      const everybody = { username: "*", perms: ["all"] };
      await Deno.writeTextFile(file, JSON.stringify([...named, everybody]));
      Deno.kill(node.pid, "SIGHUP");
      await eventually(
        "the new right",
        async () => (await ask(asking, "GET /status", "")).startsWith("200 "),
      );
      for (const name of routes.flatMap(operationsOf)) {
        for (const authorization of ["", basic("nobody", "x"), "Bearer wrong", "Digest x"]) {
          const { answer } = operations[name] ?? {};
          assert(answer !== undefined);
          assert.match(await ask(asking, name, authorization), answer, `${name} by everybody`);
        }
      }
    }));
}

/** Of which another thread than the main one may answer some by itself, once it knows who asks. */
const dataPaths = ["/db/execute", "/db/query", "/db/request"];

threadsTest(
  "another thread of HTTP lets everybody do what the users' file says, and no more, who is new and who is known",
  () =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      await Deno.writeTextFile(file, JSON.stringify(named));
      const flags = ["-auth", file, "-http-threads=2"];
      await using cluster = await Cluster.start({ size: 1, flags, authorization: root });
      const [node] = cluster.nodes;
      assert(node);
      await node.execute(["CREATE TABLE secret (a)", "CREATE TABLE t (a)"]);
      await node.execute(["INSERT INTO secret VALUES (1)"]);
      const authorization = `Authorization: ${root}\r\n`;
      using connections = await TwoConnections.open(node, undefined, authorization);
      const asking = byConnection(connections.other);
      for (const route of routes.filter(({ path }) => dataPaths.includes(path))) {
        for (const name of operationsOf(route)) {
          for (let known = 0; known < 3; known++) await checkOperation(asking, name, route);
        }
      }
    }),
);
