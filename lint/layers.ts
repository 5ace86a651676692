/** What a room may import from another: all of it, or only the files with these names. */
type Access = "all" | RegExp;

const types = /^types$/;

/** Who may import whom below src/; the table of the architecture page, in code. */
const mayImport: Readonly<Record<string, Readonly<Record<string, Access>>>> = {
  base: {},
  raft: { base: "all" },
  io: { base: "all" },
  access: { base: "all", io: "all" },
  audit: { base: "all", io: "all", access: "all" },
  tls: { base: "all", io: "all" },
  raft_log: { base: "all", raft: /^(types|configuration|cluster_version)$/, io: "all" },
  transport: { base: "all", raft: /^(types|configuration|cluster_version)$/, io: "all" },
  discovery: { base: "all", io: "all" },
  object_store: { base: "all", io: "all" },
  sqlite: { base: "all" },
  extensions: { base: "all", io: "all", sqlite: /^extensions$/ },
  changes: { base: "all", io: "all", sqlite: "all" },
  store: {
    base: "all",
    raft: types,
    io: "all",
    access: /^(types|table_rights)$/,
    sqlite: "all",
    changes: "all",
  },
  node: {
    base: "all",
    raft: "all",
    io: "all",
    access: types,
    raft_log: "all",
    transport: "all",
    store: "all",
  },
  cluster: {
    base: "all",
    raft: "all",
    io: "all",
    discovery: /^(types|seeds)$/,
    access: "all",
    audit: types,
    transport: "all",
    store: /^(types|codec\/\w+)$/,
    node: "all",
  },
  jobs: {
    base: "all",
    io: "all",
    store: types,
    cluster: types,
  },
  metrics: {
    base: "all",
    standby: types,
    cdc: types,
    changes: types,
    backup: /^(archive\/)?types$/,
    io: /^(types|repeat|within)$/,
    raft: types,
    store: types,
    cluster: /^(types|write_queue|tracing)$/,
  },
  backup: {
    base: "all",
    raft: types,
    io: "all",
    object_store: "all",
    store: /^(types|codec\/\w+)$/,
  },
  standby: {
    base: "all",
    raft: /^(types|cluster_version)$/,
    io: "all",
    object_store: /^types$/,
    store: types,
    cluster: types,
    backup: /^archive\/\w+$/,
    member: /^(atomic_file|start_error|cluster_identity|identity|open_log|openers)$/,
  },
  cdc: { base: "all", io: "all", changes: /^(types|debezium)$/ },
  http: {
    base: "all",
    cdc: types,
    changes: /^(types|debezium)$/,
    standby: types,
    backup: /^(archive\/)?types$/,
    raft: types,
    metrics: "all",
    io: /^(types|address|transfers|c_library|loop_turn)$/,
    access: "all",
    audit: types,
    tls: "all",
    sqlite: /^(normal_sql|pragma_value|sql_tokens|statement_phase)$/,
    store: /^(types|codec\/(statement_codec|answer_format)|read\/outside_readers)$/,
    node: "all",
    cluster: "all",
    jobs: /^upkeep(_plan)?$/,
  },
  member: {
    base: "all",
    raft: "all",
    io: "all",
    discovery: /^(types|seeds)$/,
    access: "all",
    audit: types,
    tls: "all",
    raft_log: "all",
    transport: "all",
    sqlite: "all",
    store: "all",
    node: "all",
    cluster: "all",
    jobs: "all",
  },
  cli: {
    base: "all",
    raft: "all",
    io: "all",
    discovery: "all",
    access: "all",
    audit: "all",
    tls: "all",
    raft_log: "all",
    transport: "all",
    sqlite: "all",
    extensions: "all",
    store: "all",
    node: "all",
    cluster: "all",
    jobs: "all",
    metrics: "all",
    http: "all",
    member: "all",
    object_store: "all",
    backup: "all",
    standby: "all",
    cdc: "all",
    changes: types,
  },
};

/** Rooms that the simulator runs over a clock, a disk and a network of its own. */
const simulated: ReadonlySet<string> = new Set([
  "base",
  "raft_log",
  "transport",
  "changes",
  "store",
  "node",
  "cluster",
  "jobs",
  "member",
]);

/** Rooms that deal with the outside themselves. */
const outsideRooms: ReadonlySet<string> = new Set([
  "io",
  "discovery",
  "extensions",
  "object_store",
  "http",
  "cli",
]);

/** Members of Deno that reach nothing outside the process. */
const harmlessDeno: ReadonlySet<string> = new Set(["errors", "build", "version", "inspect"]);

/** Members of Deno that deal with files: to find SQLite's library. */
const fileMembers =
  /^(open|create|read|write|l?stat|truncate|rename|remove|mkdir|makeTemp|copyFile|realPath|fsync|fdatasync|FsFile|SeekMode)/;

/** Members of Deno that call into the library, and that build it. */
const libraryMembers = /^(dlopen|Unsafe\w+|Command|env|execPath|stderr)$/;

const outsideModules =
  /^node:(fs|fs\/promises|net|tls|dgram|http|https|http2|timers|timers\/promises|child_process|worker_threads)$/;

/** Globals that the core must not know: it gets time and randomness handed in, and never waits. */
const impureGlobals: ReadonlySet<string> = new Set([
  "Date",
  "performance",
  "setTimeout",
  "setInterval",
  "queueMicrotask",
  "Promise",
  "crypto",
  "fetch",
  "Deno",
  "process",
  "Worker",
]);

/** The files that open the system's libraries: for what Deno does not do with sockets, clocks and services. */
const systemLibraries: ReadonlySet<string> = new Set([
  "io/c_library.ts",
  "cli/windows_service/control_manager.ts",
]);

/** The one file of the simulated rooms that starts Workers. */
const threadsOfTheStore = "store/worker_threads.ts";

const timerGlobals: ReadonlySet<string> = new Set(["setTimeout", "setInterval"]);

/** Calls that read the machine's own clock or randomness, as object and property. */
const clockCalls: ReadonlySet<string> = new Set([
  "Date.now",
  "performance.now",
  "Math.random",
  "AbortSignal.timeout",
]);

interface SourceFile {
  readonly room: string;
  /** Below src/, with slashes: "raft/raft.ts". */
  readonly path: string;
}

/** Where a file lies below src/; undefined for one that is not in a room. */
function sourceFile(filename: string): SourceFile | undefined {
  const match = /(?:^|\/)src\/(([^/]+)\/.*)$/.exec(filename.replaceAll("\\", "/"));
  return match === null ? undefined : { room: match[2] ?? "", path: match[1] ?? "" };
}

/** Why `file` must not import `specifier`; undefined when it may. */
function importFault(file: SourceFile, specifier: string): string | undefined {
  if (file.room === "raft" && !/^\.{1,2}\//.test(specifier)) {
    return `src/raft imports nothing but its own files and src/base, not ${specifier}`;
  }
  if (simulated.has(file.room) && outsideModules.test(specifier)) {
    return `src/${file.room} reaches the outside through src/io, not through ${specifier}`;
  }
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const target = new URL(specifier, `file:///src/${file.path}`).pathname;
  const match = /^\/src\/([^/]+)\/(.+?)(?:\.\w+)?$/.exec(target);
  if (match === null) {
    return file.room === "cli"
      ? undefined
      : `src/${file.room} must not import ${specifier}: it lies outside src`;
  }
  const [, room = "", name = ""] = match;
  if (room === file.room) return undefined;
  const access = mayImport[file.room]?.[room];
  if (access === undefined) {
    const allowed = Object.keys(mayImport[file.room] ?? {});
    const rooms = allowed.length === 0 ? "no other room" : allowed.join(", ");
    return `src/${file.room} must not import src/${room}: it may import ${rooms}`;
  }
  if (access === "all" || access.test(name)) return undefined;
  return `src/${file.room} must not import src/${room}/${name}: only files that match ${access.source}`;
}

/** Why `file` must not use this member of Deno; undefined when it may. */
function denoFault(file: SourceFile, member: string): string | undefined {
  if (member === "dlopen" && file.room !== "sqlite" && !systemLibraries.has(file.path)) {
    return "Deno.dlopen belongs in src/sqlite, which is the only binding to SQLite";
  }
  if (outsideRooms.has(file.room) || harmlessDeno.has(member)) return undefined;
  const reachesLibrary = libraryMembers.test(member) || fileMembers.test(member);
  if (file.room === "sqlite" && reachesLibrary) return undefined;
  return `Deno.${member} belongs in src/io: take a Clock, Disk or Network instead`;
}

/** Why `file` must not use a member, given as `object.member`; undefined when it may. */
function memberFault(file: SourceFile, name: string): string | undefined {
  if (name.startsWith("console.")) {
    return `${name} has no place in src: a Logger is handed in, and src/cli/output.ts prints`;
  }
  if (file.room === "raft") return undefined; // pure-core is stricter still
  const member = /^(?:globalThis\.)?Deno\.(\w+)$/.exec(name)?.[1];
  if (member !== undefined) return denoFault(file, member);
  if (simulated.has(file.room) && clockCalls.has(name)) {
    return `${name} is not in the simulator's hands: take the Clock, or a seeded Prng, that is handed in`;
  }
  return undefined;
}

/** Whether an identifier is only the name of a member, as in `a.Date` or `{ Date: 1 }`. */
function isMemberName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return parent.key === node && !parent.computed;
    default:
      return false;
  }
}

const importOrder: Deno.lint.Rule = {
  create(context) {
    const file = sourceFile(context.filename);
    if (file === undefined) return {};
    if (!(file.room in mayImport)) {
      return {
        Program(node) {
          const message =
            `src/${file.room} is in no layer yet: add it to the table in lint/layers.ts`;
          context.report({ node, message });
        },
      };
    }
    const check = (node: Deno.lint.Node, source: Deno.lint.Node | null) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = importFault(file, source.value);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
    };
  },
};

const pureCore: Deno.lint.Rule = {
  create(context) {
    if (sourceFile(context.filename)?.room !== "raft") return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({
        node,
        message:
          `${what} has no place in src/raft: the core gets time and randomness handed in, and never waits`,
      });
    const checkFunction = (node: Deno.lint.Node & { async: boolean }) => {
      if (node.async) report(node, "An async function");
    };
    return {
      Identifier(node) {
        if (impureGlobals.has(node.name) && !isMemberName(node)) report(node, node.name);
      },
      MemberExpression(node) {
        if (memberName(node) === "Math.random") report(node, "Math.random");
      },
      AwaitExpression: (node) => report(node, "await"),
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
    };
  },
};

const outsideWorld: Deno.lint.Rule = {
  create(context) {
    const file = sourceFile(context.filename);
    if (file === undefined) return {};
    const isSimulated = simulated.has(file.room);
    return {
      MemberExpression(node) {
        const message = memberFault(file, memberName(node));
        if (message !== undefined) context.report({ node, message });
      },
      Identifier(node) {
        if (!isSimulated || isMemberName(node)) return;
        if (timerGlobals.has(node.name)) {
          context.report({ node, message: `${node.name} belongs in src/io: take a Clock instead` });
        } else if (node.name === "Worker" && file.path !== threadsOfTheStore) {
          const message = `Workers are started by src/${threadsOfTheStore}: take Threads instead`;
          context.report({ node, message });
        }
      },
    };
  },
};

/** `a.b` as text, or "" for anything less plain. */
function memberName(node: Deno.lint.MemberExpression): string {
  if (node.computed || node.property.type !== "Identifier") return "";
  if (node.object.type === "Identifier") return `${node.object.name}.${node.property.name}`;
  if (node.object.type !== "MemberExpression") return "";
  const object = memberName(node.object);
  return object === "" ? "" : `${object}.${node.property.name}`;
}

/** Holds the order of the layers, the purity of the core, and the ways to the outside. */
const plugin: Deno.lint.Plugin = {
  name: "layers",
  rules: {
    "import-order": importOrder,
    "pure-core": pureCore,
    "outside-world": outsideWorld,
  },
};

export default plugin;
