import { nodeTlsMissing } from "../../src/tls/runtime.ts";

// An older Deno cannot make what the tests need; the program says so at its start (runtime_test.ts).
if (nodeTlsMissing() === undefined) await import("./node_network_cases.ts");
