import { ThroughputCluster } from "./throughput.ts";

Deno.test({
  name: "ThroughputCluster commits what the benchmark proposes",
  permissions: "none",
  fn() {
    new ThroughputCluster().run(1000, 64, 100);
  },
});
