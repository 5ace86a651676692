import { nodeTlsMissing } from "../../src/tls/runtime.ts";

/** A test of TLS between nodes: an older Deno cannot have it, and the program says so at its start. */
export const testWithNodeTls = nodeTlsMissing() === undefined ? Deno.test : Deno.test.ignore;
