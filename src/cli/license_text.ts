/** The texts of the packages' licences: in the compiled program, which has their code in it. */
export const packageLicenses = new URL("./package_licenses.txt", import.meta.url);

/** The program's own text, and those of what its page has code of: `deno task console` writes them. */
export const ownLicense = new URL("../../LICENSE", import.meta.url);
const pageLicenses = new URL("../http/console/page/licenses.txt", import.meta.url);

/** What /licenses shows: what the program is made of, and the texts of all licences that ask for it. */
export async function readLicenses(): Promise<string> {
  // A node that runs from the sources has the packages beside it, with their texts.
  const packages = Deno.build.standalone ? [packageLicenses] : [];
  const files = [ownLicense, pageLicenses, ...packages];
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  return [licenseText, ...texts].join(`\n${"=".repeat(80)}\n\n`);
}

/** This program's licence, and what it is made of. */
export const licenseText = `raftlite is under the MIT License.

It contains:
  SQLite (https://sqlite.org): public domain
  Deno (https://deno.com): MIT License, with the licences of its own parts
  Hono (https://hono.dev): MIT License
  aws4fetch (https://github.com/mhart/aws4fetch): MIT License
  bcryptjs (https://github.com/dcodeIO/bcrypt.js): BSD 3-Clause License
  cli-table3 (https://github.com/cli-table/cli-table3): MIT License; with it come
    @colors/colors, ansi-regex, emoji-regex, is-fullwidth-code-point, string-width and strip-ansi,
    from npm, under the MIT License each
  csv-parse (https://github.com/adaltas/node-csv): MIT License
  jose (https://github.com/panva/jose): MIT License
  NATS' client (https://github.com/nats-io/nats.js): @nats-io/jetstream, @nats-io/nats-core,
    @nats-io/nkeys, @nats-io/nuid and @nats-io/transport-node, under the Apache License 2.0; with it
    comes tweetnacl, from npm, in the public domain (Unlicense)
  OpenTelemetry (https://github.com/open-telemetry/opentelemetry-js): @opentelemetry/api,
    @opentelemetry/core, @opentelemetry/exporter-metrics-otlp-grpc,
    @opentelemetry/exporter-metrics-otlp-http, @opentelemetry/exporter-metrics-otlp-proto,
    @opentelemetry/exporter-trace-otlp-grpc, @opentelemetry/exporter-trace-otlp-proto,
    @opentelemetry/otlp-exporter-base, @opentelemetry/otlp-grpc-exporter-base,
    @opentelemetry/otlp-transformer, @opentelemetry/resources, @opentelemetry/sdk-logs,
    @opentelemetry/sdk-metrics, @opentelemetry/sdk-trace, @opentelemetry/semantic-conventions,
    under the Apache License 2.0
  @grpc/grpc-js (https://github.com/grpc/grpc-node): Apache License 2.0; with it come
    @grpc/proto-loader and long under the Apache License 2.0, protobufjs and @protobufjs/aspromise,
    @protobufjs/base64, @protobufjs/codegen, @protobufjs/eventemitter, @protobufjs/fetch,
    @protobufjs/float, @protobufjs/path, @protobufjs/pool and @protobufjs/utf8 under the BSD
    3-Clause License, @js-sdsl/ordered-map, lodash.camelcase, yargs, require-directory, escalade,
    wrap-ansi, ansi-styles, color-convert, color-name, @types/node and undici-types under the MIT
    License, cliui, y18n, yargs-parser and get-caller-file under the ISC License
  In the console's page: Preact (https://preactjs.com) and CodeMirror (https://codemirror.net), of which
    @codemirror/autocomplete, @codemirror/commands, @codemirror/lang-sql, @codemirror/language,
    @codemirror/state, @codemirror/view and @codemirror/streamparser; with it come @lezer/common,
    @lezer/highlight, @lezer/lr, @marijn/find-cluster-break, crelt, style-mod and w3c-keyname, under
    the MIT License each
  yauzl (https://github.com/thejoshwolfe/yauzl): MIT License; with it comes pend under the MIT License
  tar (https://github.com/isaacs/node-tar): Blue Oak Model License 1.0.0; with it come chownr,
    minipass and yallist under the same, @isaacs/fs-minipass under the ISC License, and minizlib under
    the MIT License
  sax (https://github.com/isaacs/sax-js): Blue Oak Model License 1.0.0
  prom-client (https://github.com/siimon/prom-client): Apache License 2.0; with it come
    @opentelemetry/api under the Apache License 2.0, bintrees and tdigest under the MIT License
  @peculiar/x509 (https://github.com/PeculiarVentures/x509): MIT License; with it come
    @peculiar/utils, @peculiar/asn1-schema, @peculiar/asn1-cms, @peculiar/asn1-csr,
    @peculiar/asn1-ecc, @peculiar/asn1-pfx, @peculiar/asn1-pkcs8, @peculiar/asn1-pkcs9,
    @peculiar/asn1-rsa, @peculiar/asn1-x509, @peculiar/asn1-x509-attr, pvtsutils, pvutils and
    tsyringe, from npm, under the MIT License each, asn1js under the BSD 3-Clause License,
    reflect-metadata under the Apache License 2.0, and tslib under the Zero-Clause BSD License
`;
