import { nearest } from "./suggestion.ts";

/** The environment, or what stands for it in a test. */
export type Variables = Readonly<Record<string, string>>;

const prefix = "RAFTLITE_";

/** Variables that are not for flags. */
const others: ReadonlySet<string> = new Set([
  "RAFTLITE_TOKEN",
  "RAFTLITE_PASSWORD",
  "RAFTLITE_DISCO_DNS_HOSTS",
]);

/** The variable that stands for a flag: RAFTLITE_NODE_ID for -node-id. */
export function variableOf(flag: string): string {
  return prefix + flag.toUpperCase().replaceAll("-", "_");
}

/** The flags that the environment gives; a variable that is empty gives none. */
export function flagsOf(variables: Variables, flags: Iterable<string>): Map<string, string> {
  const given = new Map<string, string>();
  for (const flag of flags) {
    const text = variables[variableOf(flag)];
    if (text) given.set(flag, text);
  }
  return given;
}

/**
 * Variables that were probably meant for a flag, as warnings. Others are passed over: Kubernetes
 * gives the pods beside a service `raftlite` RAFTLITE_PORT and more.
 */
export function misspelt(variables: Variables, flags: readonly string[]): readonly string[] {
  const known = new Map(flags.map((flag) => [variableOf(flag), flag]));
  return Object.entries(variables).flatMap(([name, text]) => {
    const isOther = !name.startsWith(prefix) || known.has(name) || others.has(name);
    if (isOther || isOfKubernetes(name, text)) return [];
    const meant = nearest(name.slice(prefix.length).toLowerCase().replaceAll("_", "-"), flags);
    return meant === undefined
      ? []
      : [`${name} in the environment is no flag: is ${variableOf(meant)} meant?`];
  });
}

/** Whether Kubernetes, or Docker's links, made it of a service's name. */
function isOfKubernetes(name: string, text: string): boolean {
  return /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_\w+$/.test(name) ||
    /^(?:tcp|udp|sctp):\/\//.test(text);
}
