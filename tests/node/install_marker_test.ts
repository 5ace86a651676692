import { strict as assert } from "node:assert";
import { FileInstallMarker } from "../../src/node/install_marker.ts";
import type { CompactionPoint } from "../../src/raft/types.ts";
import { SimulatedDisk } from "../simulation/disk.ts";

const point: CompactionPoint = {
  index: 40,
  term: 3,
  configuration: {
    members: [{ id: "a", address: "a:1", httpAddress: "a:2", suffrage: "voter" }],
  },
};

async function marked(): Promise<{ disk: SimulatedDisk; marker: FileInstallMarker }> {
  const disk = new SimulatedDisk({ seed: 1n });
  disk.install(new Map([["/raft/1.log", new Uint8Array()]]));
  const marker = new FileInstallMarker(disk.mount(), "/raft");
  await marker.write(point);
  return { disk, marker };
}

Deno.test("FileInstallMarker says after a power cut what was being installed, until it is cleared", async () => {
  const { disk } = await marked();
  disk.cutPower();
  const marker = new FileInstallMarker(disk.mount(), "/raft");
  assert.deepEqual(await marker.read(), point);
  await marker.clear();
  disk.cutPower();
  const cleared = new FileInstallMarker(disk.mount(), "/raft");
  assert.equal(await cleared.read(), undefined);
  await cleared.clear();
});

Deno.test("FileInstallMarker takes a file that was never finished for none", async () => {
  const { disk, marker } = await marked();
  const path = "/raft/installing";
  const whole = disk.content(path);
  for (let length = 0; length < whole.length; length++) {
    disk.setContent(path, whole.slice(0, length));
    assert.equal(await marker.read(), undefined, `${length} bytes`);
    const torn = whole.slice();
    torn[length] = (torn[length] ?? 0) ^ 1;
    disk.setContent(path, torn);
    assert.equal(await marker.read(), undefined, `byte ${length} is another`);
  }
  disk.setContent(path, whole);
  assert.deepEqual(await marker.read(), point);
});
