import { clientCertificatesMissing, nodeTlsMissing } from "../../src/tls/runtime.ts";

/** A test of TLS between nodes: an older Deno cannot have it, and the program says so at its start. */
export const testWithNodeTls = nodeTlsMissing() === undefined ? Deno.test : Deno.test.ignore;

/** One in which a node asks its HTTP clients for certificates: the same of it. */
export const testWithClientCertificates = clientCertificatesMissing() === undefined
  ? Deno.test
  : Deno.test.ignore;
