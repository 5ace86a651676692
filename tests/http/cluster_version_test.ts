import { strict as assert } from "node:assert";
import { ServiceError } from "../../src/cluster/types.ts";
import { appWith, FakeService, memberTwo } from "./fake_service.ts";

Deno.test("GET /upgrade shows what each node understands, and whether the version can be raised", async () => {
  const service = new FakeService();
  service.members = [...service.members, memberTwo];
  const { fetch } = appWith(service);
  const report = {
    version: 1,
    newest: 2,
    can_be_raised: true,
    nodes: Object.fromEntries(
      service.members.map(({ id, address }) => [id, { addr: address, newest: 2 }]),
    ),
  };
  assert.deepEqual(await (await fetch("/upgrade")).json(), report);
  service.members = [...service.members, { ...memberTwo, id: "3" }];
  const { can_be_raised, nodes } = await (await fetch("/upgrade")).json();
  assert.equal(can_be_raised, false);
  assert.deepEqual(nodes["3"], { addr: memberTwo.address, error: "connection refused" });
});

Deno.test("POST /upgrade answers with the version, 409 and what is in the way, or as any write", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  const done = await post("/upgrade", "");
  assert.equal(`${done.status} ${await done.text()}`, '200 {"version":2}\n');
  service.failure = new ServiceError("failed", "Not raised: node 3 is old");
  const refused = await post("/upgrade", "");
  assert.equal(`${refused.status} ${await refused.text()}`, "409 Not raised: node 3 is old\n");
  service.failure = new ServiceError("no_leader", "leader not found");
  assert.equal((await post("/upgrade", "")).status, 503);
});
