import { ThroughputCluster } from "./throughput.ts";

for (const outstanding of [1, 16, 64]) {
  const cluster = new ThroughputCluster();
  Deno.bench({
    name: `1000 entries of 100 bytes through three cores, ${outstanding} at a time`,
    fn() {
      cluster.run(1000, outstanding, 100);
    },
  });
}
