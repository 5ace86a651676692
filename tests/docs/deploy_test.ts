import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { type Configuration, parseFlags } from "../../src/cli/flags.ts";
import { eventually } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";

const root = new URL("../../", import.meta.url);
const deploy = new URL("docs/deploy/", root);
const main = new URL("main.ts", root).pathname;

// What of the files' forms these tests look at.
interface Service {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly volumeMounts: readonly Mount[];
}

type Labels = Readonly<Record<string, string>>;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly selector: Labels & { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[];
    readonly serviceName: string;
    readonly replicas: number;
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly securityContext: { readonly runAsUser: number };
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
  };
}

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, deploy));
}

/** The image's instructions, without comments. */
async function instructions(): Promise<readonly (readonly [string, string])[]> {
  const lines = (await read("Dockerfile")).split("\n").filter((line) => /^[A-Z]/.test(line));
  return lines.map((line) => {
    const [, name = "", rest = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    return [name, rest];
  });
}

async function imageVariables(): Promise<Record<string, string>> {
  const settings = (await instructions()).filter(([name]) => name === "ENV");
  return Object.fromEntries(settings.map(([, setting]) => {
    const [, name = "", value = ""] = /^(\w+)=(\S+)$/.exec(setting) ?? [];
    return [name, value];
  }));
}

async function compose(): Promise<Compose> {
  return parse(await read("compose.yaml"), { merge: true }) as Compose;
}

async function manifests(): Promise<readonly Manifest[]> {
  const documents = parseAllDocuments(await read("kubernetes.yaml"));
  return documents.map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  });
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    // Its exit code tells.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** What the program makes of flags and environment: it warns of nothing, and refuses nothing. */
function configured(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Configuration {
  const invocation = parseFlags(args, variables);
  assert.ok(invocation.type === "serve");
  assert.deepEqual(invocation.warnings, []);
  return invocation.configuration;
}

Deno.test("docs/deploy/Dockerfile takes the compiled program, and its flags are the program's", async () => {
  const found = await instructions();
  const of = (name: string) => found.filter(([own]) => own === name).map(([, rest]) => rest);
  assert.deepEqual(of("ENTRYPOINT"), ['["/usr/local/bin/raftlite"]']);
  assert.deepEqual(of("COPY"), ["--chmod=0755 dist/raftlite /usr/local/bin/raftlite"]);
  assert.match(await Deno.readTextFile(new URL("tools/compile.ts", root)), /dist\/raftlite\$\{/);
  assert.deepEqual((await read("Dockerfile.dockerignore")).trim().split("\n"), [
    "*",
    "!dist/raftlite",
  ]);
  assert.deepEqual(of("EXPOSE"), ["4001 4002"]);
  const [directory = ""] = of("VOLUME");
  assert.deepEqual(of("WORKDIR"), [directory]);
  const example = ["-http-adv-addr", "localhost:4001", "-raft-adv-addr", "localhost:4002"];
  assert.ok((await read("Dockerfile")).includes(example.join(" ")));
  const { http, raft } = configured(example, await imageVariables());
  assert.deepEqual([http.address, raft.address], ["0.0.0.0:4001", "0.0.0.0:4002"]);
});

Deno.test("docs/deploy/compose.yaml has three nodes that name each other", async () => {
  const { services, volumes } = await compose();
  const image = await imageVariables();
  const nodes = Object.entries(services).map(([name, service]) => {
    const read = configured(service.command, { ...image, ...service.environment });
    assert.equal(read.http.advertisedAddress, `${name}:4001`);
    assert.equal(read.raft.advertisedAddress, `${name}:4002`);
    assert.equal(service.volumes.length, 1);
    assert.match(service.volumes[0] ?? "", /^data\d:\/var\/lib\/raftlite$/);
    for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:\d+:4001$/);
    const { context, dockerfile } = service.build;
    const path = new URL(dockerfile, new URL(`${context}/`, deploy));
    assert.equal(path.href, new URL("Dockerfile", deploy).href);
    return read;
  });
  const distinct = (values: readonly string[]) => assert.equal(new Set(values).size, 3);
  distinct(nodes.map(({ nodeId }) => nodeId));
  distinct(Object.values(services).flatMap(({ ports }) => ports));
  distinct(Object.values(services).map(({ volumes: [volume = ""] }) => volume.split(":")[0] ?? ""));
  assert.equal(Object.keys(volumes).length, 3);
  for (const { cluster } of nodes) {
    assert.equal(cluster.bootstrapExpect, 3);
    assert.deepEqual(cluster.join, nodes.map(({ raft }) => raft.advertisedAddress));
  }
});

Deno.test("the nodes of docs/deploy/compose.yaml form a cluster, and its check sees them ready", async () => {
  const { services } = await compose();
  const image = await imageVariables();
  const ports = new Map(
    Object.keys(services).map((name) => [name, { http: takePort(), raft: takePort() }]),
  );
  const children: Deno.ChildProcess[] = [];
  const directory = await Deno.makeTempDir();
  try {
    const checks: Deno.Command[] = [];
    for (const [name, { command, environment, healthcheck }] of Object.entries(services)) {
      const own = ports.get(name);
      assert.ok(own);
      // As if each name were a machine: here they are ports of one.
      const local = (text: string) =>
        [...ports].reduce(
          (rest, [host, { http, raft }]) =>
            rest.replaceAll(`${host}:4001`, `127.0.0.1:${http}`)
              .replaceAll(`${host}:4002`, `127.0.0.1:${raft}`),
          text.replace("0.0.0.0:4001", `127.0.0.1:${own.http}`)
            .replace("0.0.0.0:4002", `127.0.0.1:${own.raft}`),
        );
      const variables = { ...image, ...environment, HOME: Deno.env.get("HOME") ?? directory };
      const env = Object.fromEntries(
        Object.entries(variables).map(([variable, text]) => [variable, local(text)]),
      );
      const [kind, check = "", ...checkArgs] = healthcheck.test;
      assert.equal(kind, "CMD");
      const hereArgs = checkArgs.map((text) =>
        text.replace("/dev/tcp/127.0.0.1/4001", `/dev/tcp/127.0.0.1/${own.http}`)
      );
      const options = { args: hereArgs, stdout: "null", stderr: "null" } as const;
      const checking = new Deno.Command(check, options);
      assert.equal((await checking.output()).success, false);
      checks.push(checking);
      await Deno.mkdir(`${directory}/${name}`);
      const binary = Deno.env.get("RAFTLITE_BINARY");
      const program = binary ? [binary] : [Deno.execPath(), "run", "-A", "--quiet", main];
      children.push(
        new Deno.Command(program[0] ?? "", {
          args: [...program.slice(1), ...command.map(local)],
          cwd: `${directory}/${name}`,
          env,
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn(),
      );
    }
    for (const check of checks) {
      await eventually("a node that its check finds ready", async () => {
        return (await check.output()).success;
      });
    }
    for (const { http } of ports.values()) {
      const nodes = await (await fetch(`http://127.0.0.1:${http}/nodes`)).json();
      assert.deepEqual(Object.keys(nodes).sort(), ["1", "2", "3"]);
    }
  } finally {
    children.forEach(end);
    const ends = await Promise.all(children.map((child) => child.status));
    await Deno.remove(directory, { recursive: true });
    assert.ok(ends.every(({ code }) => code === 0));
  }
});

Deno.test("docs/deploy/kubernetes.yaml fits together, with flags and paths that there are", async () => {
  const all = await manifests();
  const of = (kind: string) => all.filter((manifest) => manifest.kind === kind);
  const [set] = of("StatefulSet");
  assert.ok(set);
  const { template, serviceName, replicas, volumeClaimTemplates } = set.spec;
  const { labels } = template.metadata;
  const [container] = template.spec.containers;
  assert.ok(container);
  const configurations = [0, 1, 2].map((ordinal) =>
    configured(
      container.args.map((arg) => arg.replaceAll("$(POD_NAME)", `${set.metadata.name}-${ordinal}`)),
      {},
    )
  );
  for (const [ordinal, { nodeId, http, raft, cluster, discovery }] of configurations.entries()) {
    assert.equal(nodeId, `raftlite-${ordinal}`);
    assert.equal(http.advertisedAddress, `${nodeId}.${serviceName}:4001`);
    assert.equal(raft.advertisedAddress, `${nodeId}.${serviceName}:4002`);
    assert.equal(cluster.bootstrapExpect, replicas);
    assert.equal(discovery?.mode, "dns");
    assert.deepEqual(JSON.parse(discovery?.configuration ?? ""), { name: serviceName });
  }
  for (const { spec } of all) {
    const selector = spec.podSelector?.matchLabels ?? spec.selector.matchLabels ?? spec.selector;
    assert.deepEqual(selector, labels);
  }
  const containerPorts = new Map(container.ports.map((port) => [port.name, port.containerPort]));
  assert.deepEqual([...containerPorts.values()], [4001, 4002]);
  for (const { spec } of of("Service")) {
    for (const { port, targetPort } of spec.ports) {
      assert.equal(containerPorts.get(targetPort), port);
    }
  }
  const headless = of("Service").find(({ metadata }) => metadata.name === serviceName);
  assert.equal(headless?.spec.clusterIP, "None");
  assert.equal(headless?.spec.publishNotReadyAddresses, true);
  const paths = [container.startupProbe, container.readinessProbe, container.livenessProbe]
    .map(({ httpGet }) => {
      assert.equal(containerPorts.get(httpGet.port), 4001);
      return httpGet.path;
    });
  assert.deepEqual(paths, ["/readyz?noleader", "/readyz", "/readyz?noleader"]);
  const volumes = [
    ...template.spec.volumes.map(({ name }) => name),
    ...volumeClaimTemplates.map(({ metadata }) => metadata.name),
  ];
  const mounts = new Map(container.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  assert.deepEqual([...mounts.keys()].sort(), volumes.sort());
  // Not the volume itself, in which file systems put a lost+found.
  assert.equal(configurations[0]?.dataDirectory, `${mounts.get("data")}/data`);
  const image = await imageVariables();
  assert.equal(mounts.get("cache"), image.HOME);
  const user = (await instructions()).find(([name]) => name === "USER")?.[1];
  assert.equal(user, `${template.spec.securityContext.runAsUser}:10001`);
});

const validator = "kubernetes-validate";
if (isThere(validator)) {
  Deno.test("docs/deploy/kubernetes.yaml is valid by the schemas of Kubernetes", async () => {
    const path = new URL("kubernetes.yaml", deploy).pathname;
    const { code, stdout, stderr } = await new Deno.Command(validator, {
      args: ["--strict", path],
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  });
} else {
  Deno.test(`the schemas of Kubernetes are left out, as there is no ${validator}`, () => {});
}

function isThere(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}
