import assert from "node:assert/strict";
import type { AuditEvent } from "../../src/audit/types.ts";
import { FrontRequest } from "../../src/http/front_request.ts";
import { pointQuery } from "../../src/http/threads/point_query.ts";
import { pointWrite } from "../../src/http/threads/point_write.ts";
import { hasSoundAuthority } from "../../src/http/url_authority.ts";
import { appWith, FakeService } from "./fake_service.ts";

const sound = ["x", "localhost:4001", "10.0.0.1", "[::1]:4001", "my_node-1.example.org:80"];
const unsound = ["x?", "x#", "x?/db", "[", "a b", "x\\y", "u@x", "x:y", "x:1:2", "<x>", "a%b", ""];

Deno.test("hasSoundAuthority refuses what not all read alike", () => {
  for (const round of ["first", "again"]) {
    for (const host of sound) {
      for (const path of ["/", "/db/query?q=a/b", "//x?#"]) {
        assert.ok(hasSoundAuthority(`http://${host}${path}`), `${host} ${round}`);
        const { pathname } = new URL(`https://${host}${path}`);
        assert.ok(path.startsWith(pathname));
      }
    }
    for (const host of unsound) {
      assert.ok(!hasSoundAuthority(`http://${host}/snapshot`), `${host} ${round}`);
    }
  }
  for (const url of ["*", "", "/snapshot", "x:80"]) assert.ok(!hasSoundAuthority(url), url);
});

Deno.test("a request for a host that is none is refused before anything is done", async () => {
  const events: AuditEvent[] = [];
  const audit = { wantsSql: false, record: (event: AuditEvent) => void events.push(event) };
  const service = new FakeService();
  const { app } = appWith(service, {}, {}, { audit });
  for (const host of unsound) {
    const request = new FrontRequest(`http://${host}/snapshot`, { method: "POST", headers: [] });
    const answer = await app.fetch(request);
    assert.equal(answer.status, 400, host);
    assert.equal(await answer.text(), "400 Bad Request: malformed Host header");
  }
  assert.equal(events.length, 0);
  await app.fetch(new FrontRequest("http://x/snapshot", { method: "POST", headers: [] }));
  assert.deepEqual(events.map(({ what, details }) => [what, details?.path]), [
    ["snapshot", "/snapshot"],
  ]);
});

Deno.test("a thread leaves a request for a host that is none to the main one", () => {
  for (const host of unsound) {
    const read = `http://${host}/db/query?q=SELECT+1`;
    assert.equal(pointQuery(new FrontRequest(read, { headers: [] })), undefined, host);
    for (const path of ["query", "execute"]) {
      const url = `http://${host}/db/${path}`;
      const request = new FrontRequest(url, { method: "POST", headers: [] });
      assert.equal((path === "query" ? pointQuery : pointWrite)(request), undefined, host);
    }
  }
});
