import { identify } from "../cluster/joining.ts";
import { type Entry, type Registry } from "../discovery/types.ts";
import { messageOf } from "../base/message_of.ts";
import { httpUrl } from "../io/address.ts";
import { pause } from "../io/pause.ts";
import { newestVersion } from "../raft/cluster_version.ts";
import { type Member, nodeName } from "../raft/types.ts";
import { newClusterId } from "./cluster_identity.ts";
import type { Formed } from "./formation.ts";
import type { MemberParts } from "./member_parts.ts";

/** Between two tries, in ms: doubles from the first to the second. */
const pauseMsMin = 500;
const pauseMsMax = 5_000;
/** What a node may take to say who it is, in ms. */
const answerMs = 2_000;

/** How a node of a cluster is written down. */
export function entryFor({ id, address, httpAddress }: Member, clusterId: string): Entry {
  const api_addr = httpUrl(httpAddress);
  return { id: nodeName(id), api_addr, addr: address, server_id: id, cluster_id: clusterId };
}

/** A cluster of this node alone, which others may join. */
export function beginAlone(self: Member, clusterId: string): Formed {
  const configuration = { members: [self], version: newestVersion };
  return { type: "former", clusterId, configuration };
}

/**
 * A node without data begins a cluster only when it is the one that wrote its name where none was.
 * From then on there is a cluster, and others join it, however long it takes to find a member of it:
 * a name that leads nowhere may be of nodes that are down, with all the data. Where a cluster is
 * gone for good, its operator says so by deleting the key.
 */
export async function claimOrJoin(parts: MemberParts, registry: Registry): Promise<Formed> {
  const { clock, logger } = parts.surroundings;
  let said = "";
  for (let pauseMs = pauseMsMin;; pauseMs = Math.min(pauseMsMax, 2 * pauseMs)) {
    const step = await tryOnce(parts, registry);
    if (typeof step !== "string") return step;
    logger.log(step === said ? "DEBUG" : "WARN", "discovery", step);
    said = step;
    await pause(clock, pauseMs);
  }
}

/** How this node begins, or why it waits. */
async function tryOnce(parts: MemberParts, registry: Registry): Promise<Formed | string> {
  const { self, identity, surroundings: { random, logger } } = parts;
  const mayBegin = self.suffrage === "voter" && identity.clusterId === "";
  try {
    const leader = await registry.leader();
    if (leader === undefined) {
      if (!mayBegin) return `No leader is written at ${registry.name} yet; waiting for one`;
      const clusterId = newClusterId(random);
      if (!await registry.claim(entryFor(self, clusterId))) {
        return "Another node has begun a cluster just now";
      }
      logger.log("INFO", "discovery", `This node wrote itself at ${registry.name}, and begins`);
      return beginAlone(self, clusterId);
    }
    // Written by this very log, which a crash kept from coming to anything.
    if (mayBegin && leader.server_id === self.id && leader.cluster_id !== undefined) {
      return beginAlone(self, leader.cluster_id);
    }
    if (await findsMember(parts)) return { type: "exists" };
    return waitingText(parts, registry, leader);
  } catch (error) {
    return `${messageOf(error)}; it is tried again until there is an answer`;
  }
}

function waitingText({ self }: MemberParts, registry: Registry, leader: Entry): string {
  const isOwn = leader.id === nodeName(self.id);
  const who = isOwn
    ? "this node itself, which has no data of a cluster any more"
    : `node ${leader.id} at ${leader.addr}`;
  return `${registry.name} names as leader ${who}, and no member of its cluster answers: waiting for one to come back. If that cluster is gone for good, delete the key, and this node begins a new one`;
}

/** Whether a node that is in a cluster answers at one of the addresses that discovery knows. */
async function findsMember({ seeds, self, transport }: MemberParts): Promise<boolean> {
  const addresses = (await seeds.addresses()).filter((address) => address !== self.address);
  const found = await Promise.all(addresses.map(async (address) => {
    try {
      return (await identify(transport, address, answerMs)).clusterId !== "";
    } catch {
      return false;
    }
  }));
  return found.includes(true);
}
