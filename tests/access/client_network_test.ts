import assert from "node:assert/strict";
import { networkOf } from "../../src/access/client_network.ts";

Deno.test("networkOf() is an IPv4 address as it is, and half of an IPv6 address", () => {
  const addresses: [string, string][] = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ];
  for (const [address, network] of addresses) assert.equal(networkOf(address), network, address);
});
