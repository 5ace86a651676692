import assert from "node:assert/strict";
import fc from "fast-check";
import bcrypt from "bcryptjs";
import { createHash } from "node:crypto";
import { tokenHash } from "../../src/access/credentials.ts";
import {
  Gate,
  type HashChecks,
  type HashOutcome,
  type HashQuestion,
} from "../../src/access/gate.ts";
import { hashPassword, matchesHash } from "../../src/access/password_hash.ts";
import { parseUsersFile } from "../../src/access/users_file.ts";
import type { Permission, Verdict } from "../../src/access/types.ts";

/** Another one each run; `RAFTLITE_FUZZ_SEED` repeats one. */
const seed = Number(Deno.env.get("RAFTLITE_FUZZ_SEED") ?? Date.now() % 0x7fff_ffff);

const encoder = new TextEncoder();

class CountingChecks implements HashChecks {
  count = 0;
  busy = false;
  /** It answers nobody any more. */
  hangs = false;
  /** Of whoever asked last. */
  trusted = () => false;
  async check({ password, hash, trusted }: HashQuestion): Promise<HashOutcome> {
    this.trusted = trusted;
    if (this.busy) return "busy";
    this.count++;
    if (this.hangs) return await new Promise(() => {});
    return await matchesHash(password, hash) ? "right" : "wrong";
  }
}

function gateOf(entries: unknown[]) {
  const clock = { nowMs: 0, wallMs: Date.parse("2026-11-29T00:00:00Z") };
  let { users } = parseUsersFile(JSON.stringify(entries));
  const checks = new CountingChecks();
  const gate = new Gate({
    users: () => users,
    hashes: checks,
    clock: { now: () => clock.nowMs, wallTime: () => clock.wallMs, after: () => ({ cancel() {} }) },
  });
  const ask = async (needed: Permission[], authorization: string | null, address = "a") =>
    await gate.judge(needed, authorization, address);
  const reload = (next: unknown[]) => ({ users } = parseUsersFile(JSON.stringify(next)));
  return { gate, clock, checks, ask, reload };
}

function basic(username: string, password: string): string {
  const bytes = encoder.encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function typeOf(verdict: Verdict): string {
  return verdict.type;
}

const bob = { username: "bob", password: "secret1", perms: ["query", "status"] };

Deno.test("Gate admits by name, password and permission, as rqlite does", async () => {
  const { ask } = gateOf([bob, { username: "root", password: "pä:ss", perms: ["all"] }]);
  const asked: [Permission[], string | null, string][] = [
    [["query"], basic("bob", "secret1"), "admitted"],
    [["query"], basic("bob", "secret1").replace("Basic", "bASIC"), "admitted"],
    [["query", "execute"], basic("bob", "secret1"), "refused"],
    [["query", "execute"], basic("root", "pä:ss"), "admitted"],
    [["query"], basic("bob", "secret2"), "refused"],
    [["query"], basic("bob", ""), "refused"],
    [["query"], basic("", "secret1"), "refused"],
    [["query"], basic("Bob", "secret1"), "refused"],
    [["query"], "Basic %%%", "refused"],
    [["query"], "Digest bob", "refused"],
    [["query"], null, "refused"],
  ];
  for (const [needed, authorization, type] of asked) {
    assert.equal((await ask(needed, authorization)).type, type, `${needed} ${authorization}`);
  }
});

Deno.test("Gate grants what everybody may do, whatever credentials came", async () => {
  const { ask } = gateOf([bob, { username: "*", perms: ["ready", "execute"] }]);
  for (const credentials of [null, basic("bob", "wrong"), basic("bob", "secret1"), "Bearer x"]) {
    assert.equal((await ask(["ready"], credentials)).type, "admitted");
  }
  // One permission of everybody's, the other of his own.
  assert.equal((await ask(["query", "execute"], basic("bob", "secret1"))).type, "admitted");
  assert.equal((await ask(["query", "execute"], basic("bob", "wrong"))).type, "refused");
});

Deno.test("Gate gives each the tables of who permits it", async () => {
  const { ask } = gateOf([
    { ...bob, perms: ["query"], tables: { read: ["orders"], write: [] } },
    { username: "ann", password: "x", perms: ["execute", "query"] },
    {
      username: "*",
      perms: ["query", "execute"],
      tables: { read: ["public_*"], write: ["inbox"] },
    },
  ]);
  const tables = async (needed: Permission[], authorization: string | null) => {
    const verdict = await ask(needed, authorization);
    assert(verdict.type === "admitted");
    return verdict.identity.tables;
  };
  assert.deepEqual(await tables(["query"], null), { read: ["public_*"], write: ["inbox"] });
  assert.deepEqual(await tables(["query"], basic("bob", "secret1")), {
    read: ["orders"],
    write: [],
  });
  assert.deepEqual(await tables(["query", "execute"], basic("bob", "secret1")), {
    read: ["orders"],
    write: ["inbox"],
  });
  assert.equal(await tables(["query", "execute"], basic("ann", "x")), undefined);
});

Deno.test("Gate admits tokens until they end, with no more than their part of the permissions", async () => {
  const token = "the token itself";
  const hash = `sha256:${createHash("sha256").update(token).digest("hex")}`;
  const entry = { username: "ci", perms: ["query", "status"] };
  const tokens = [{ name: "t", hash, expires: "2027-01-01T00:00:00Z", perms: ["query", "load"] }];
  const { ask, clock, reload } = gateOf([{ ...entry, tokens }]);
  assert.equal((await ask(["query"], `Bearer ${token}`)).type, "admitted");
  assert.equal((await ask(["status"], `Bearer ${token}`)).type, "refused");
  assert.equal((await ask(["load"], `Bearer ${token}`)).type, "refused");
  assert.equal((await ask(["query"], `Bearer ${hash}`)).type, "refused");
  assert.equal((await ask(["query"], basic("ci", token))).type, "refused");
  clock.wallMs = Date.parse("2027-01-01T00:00:00Z");
  assert.equal((await ask(["query"], `Bearer ${token}`)).type, "refused");
  reload([{ ...entry, tokens: [{ name: "t", hash }] }]);
  assert.equal((await ask(["query"], `Bearer ${token}`)).type, "admitted");
});

Deno.test("Gate knows without work who has proven themselves, and until when, and counts nothing", async () => {
  const hashed = (token: string) => `sha256:${tokenHash(token)}`;
  const ends = "2027-01-01T00:00:00Z";
  const { gate, ask, clock, checks } = gateOf([
    {
      ...bob,
      tokens: [{ name: "t", hash: hashed("tok"), expires: ends }, {
        ...{ name: "over", hash: hashed("late"), expires: "2026-01-01" },
      }],
    },
    { username: "ann", password: bcrypt.hashSync("right", 4), perms: ["query"] },
    { username: "*", perms: ["execute"] },
  ]);
  const known = (authorization: string | null) => gate.known(["query"], authorization);
  const may = { identity: { username: "bob" }, endsAtMs: undefined };
  const mayNot = { identity: undefined, endsAtMs: undefined };
  assert.deepEqual(known(basic("bob", "secret1")), may);
  const byToken = { identity: { username: "bob", token: "t" }, endsAtMs: Date.parse(ends) };
  assert.deepEqual(known("Bearer tok"), byToken);
  for (const header of [null, "Digest bob", "Bearer wrong", "Bearer late"]) {
    assert.deepEqual(known(header), mayNot, String(header));
  }
  // What everybody may do asks for no password.
  assert.deepEqual(gate.known(["execute"], basic("bob", "no")), {
    ...may,
    identity: { username: undefined },
  });
  for (let i = 0; i < 200; i++) {
    assert.equal(known(basic("bob", "no")), undefined);
    assert.equal(known(basic("ann", "right")), undefined);
  }
  assert.equal(checks.count, 0);
  assert.equal((await ask(["query"], basic("ann", "right"))).type, "admitted");
  assert.deepEqual(known(basic("ann", "right")), { ...may, identity: { username: "ann" } });
  assert.equal(known(basic("ann", "wrong")), undefined);
  clock.wallMs = Date.parse(ends);
  assert.deepEqual(known("Bearer tok"), mayNot);
});

Deno.test("Gate says when what goes on for long may do so no more", async () => {
  const token = "the token itself";
  const tokens = [{
    ...{ name: "t", hash: `sha256:${tokenHash(token)}` },
    expires: "2027-01-01T00:00:00Z",
  }];
  const everybody = { username: "*", perms: ["query"], tables: { read: ["a"], write: [] } };
  const { gate, ask, clock, reload } = gateOf([everybody, { ...bob, tokens }]);
  const { users } = gate;
  const admitted = async (authorization: string | null) => {
    const verdict = await ask(["query"], authorization);
    assert(verdict.type === "admitted");
    return () => gate.isStillSo(users, verdict.identity, authorization);
  };
  const byToken = await admitted(`Bearer ${token}`);
  const all = [
    await admitted(basic("bob", "secret1")),
    await admitted(null),
    await admitted("Bearer of nothing"),
  ];
  assert(byToken() && all.every((one) => one()));
  clock.wallMs = Date.parse("2027-01-01T00:00:00Z");
  all.push(await admitted(`Bearer ${token}`));
  assert(!byToken() && all.every((one) => one()), "as everybody is, with a token that is over");
  reload([everybody, { ...bob, perms: ["status"], tokens }]);
  assert(!all.some((one) => one()));
});

for (
  const [kind, hash] of [
    ["scrypt", hashPassword(encoder.encode("tr0ub4dor"), new Uint8Array(16))],
    ...["2a", "2b", "2y"].map((name) =>
      [name, bcrypt.hashSync("tr0ub4dor", 4).replace(/^\$2./, `$${name}`)] as const
    ),
  ] as const
) {
  Deno.test(`Gate compares with a hash (${kind}) once, and never takes the hash for the password`, async () => {
    const entry = { username: "bob", password: hash, perms: ["query"] };
    const { ask, checks, reload } = gateOf([entry]);
    const right = basic("bob", "tr0ub4dor");
    assert.equal((await ask(["query"], right)).type, "admitted");
    assert.equal((await ask(["query"], right)).type, "admitted");
    assert.equal(checks.count, 1);
    assert.equal((await ask(["query"], basic("bob", hash))).type, "refused");
    assert.equal((await ask(["query"], basic("nobody", "x"))).type, "refused");
    assert.equal(checks.count, 3, "an unknown user costs what a wrong password does");
    reload([entry]);
    assert.equal((await ask(["query"], right)).type, "admitted");
    assert.equal(checks.count, 4, "a reload forgets what was known");
  });
}

Deno.test("Gate lets who sent one wrong password many times at once wait no longer than for one", async () => {
  const hash = bcrypt.hashSync("right", 4);
  const { ask, clock } = gateOf([{ username: "bob", password: hash, perms: ["query"] }]);
  const together = Array.from({ length: 64 }, () => ask(["query"], basic("bob", "old")));
  assert.deepEqual(new Set((await Promise.all(together)).map(typeOf)), new Set(["refused"]));
  assert.equal((await ask(["query"], basic("bob", "old"))).type, "slowed");
  clock.nowMs += 2_000;
  assert.equal((await ask(["query"], basic("bob", "old"))).type, "refused");
});

Deno.test("Gate slows who guesses, and nobody else", async () => {
  const { ask, clock } = gateOf([bob]);
  const guess = async (address: string) => (await ask(["query"], basic("bob", "no"), address)).type;
  const types = [];
  for (let i = 0; i < 12; i++) types.push(await guess("attacker"));
  assert.deepEqual(types, [...new Array(10).fill("refused"), "slowed", "slowed"]);
  assert.equal(await guess("elsewhere"), "refused");
  for (const address of ["attacker", "elsewhere"]) {
    assert.equal((await ask(["query"], basic("bob", "secret1"), address)).type, "admitted");
  }
  clock.nowMs += 2_000;
  assert.deepEqual([await guess("attacker"), await guess("attacker")], ["refused", "slowed"]);
});

Deno.test("Gate turns away what it cannot check now, and lets known passwords through", async () => {
  const hash = bcrypt.hashSync("right", 4);
  const { ask, checks } = gateOf([{ username: "bob", password: hash, perms: ["query"] }]);
  assert.equal((await ask(["query"], basic("bob", "right"))).type, "admitted");
  checks.busy = true;
  assert.equal((await ask(["query"], basic("bob", "wrong"))).type, "slowed");
  assert.equal((await ask(["query"], basic("bob", "right"))).type, "admitted");
});

Deno.test("Gate answers known passwords, tokens and texts at once, whatever a flood has compared", async () => {
  const hash = bcrypt.hashSync("right", 4);
  const { gate, ask, checks } = gateOf([
    { username: "ann", password: hash, perms: ["query"] },
    { ...bob, tokens: [{ name: "t", hash: `sha256:${tokenHash("tok")}` }] },
    { username: "*", perms: ["ready"] },
  ]);
  await ask(["query"], basic("ann", "right"));
  checks.hangs = true;
  for (let i = 0; i < 5_000; i++) {
    void gate.judge(["query"], basic(`u${i}`, `${i}`), `flood ${i % 40}`);
  }
  for (const header of [basic("ann", "right"), basic("bob", "secret1"), "Bearer tok"]) {
    const verdict = gate.judge(["query"], header, "flood 1");
    assert(!(verdict instanceof Promise), header);
    assert.equal(verdict.type, "admitted");
  }
  assert(!(gate.judge(["ready"], basic("ann", "wrong"), "flood 1") instanceof Promise));
});

Deno.test("Gate has compared first what comes from where nobody failed within a minute", async () => {
  const hash = bcrypt.hashSync("right", 4);
  const { ask, checks, clock } = gateOf([{ username: "ann", password: hash, perms: ["query"] }]);
  await ask(["query"], basic("ann", "guess"), "flood");
  assert(!checks.trusted(), "what waits is asked again when others of it have failed");
  await ask(["query"], basic("ann", "guess 2"), "elsewhere");
  clock.nowMs += 59_000;
  assert(!checks.trusted());
  clock.nowMs += 1_000;
  assert(checks.trusted());
});

Deno.test("Gate compares no more of a flood than its addresses may guess", async () => {
  const hash = bcrypt.hashSync("right", 4);
  const { ask, checks, clock } = gateOf([{ username: "ann", password: hash, perms: ["query"] }]);
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 50; i++) {
      await ask(["query"], basic("ann", `${second} ${i}`), "one");
      await ask(["query"], basic(`u${second} ${i}`, "x"), "other");
    }
    clock.nowMs += 1_000;
  }
  // For one user 10 at once and one every two seconds; for many 100 and one a second.
  assert.equal(checks.count, (10 + 4) + (100 + 9));
});

Deno.test("Gate answers any Authorization header", async () => {
  const { gate } = gateOf([bob]);
  const header = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary" }).map((text) => `Basic ${text}`),
    fc.uint8Array().map((bytes) => `Basic ${btoa(String.fromCharCode(...bytes))}`),
    fc.string().map((text) => `Bearer ${text}`),
  );
  await fc.assert(
    fc.asyncProperty(header, fc.string(), async (authorization, address) => {
      assert.notEqual(typeOf(await gate.judge(["query"], authorization, address)), "admitted");
    }),
    { seed, numRuns: 2000 },
  );
});
