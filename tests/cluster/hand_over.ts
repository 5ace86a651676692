import { eventually, type NodeProcess } from "./harness.ts";

/** Has a node ask for another leader until it has it: a busy machine may take too long over it. */
export async function handOver(asked: NodeProcess, leader: NodeProcess): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ id: leader.id });
  await eventually(`${leader.id} to lead`, async () => {
    if (await asked.leaderId() === leader.id) return true;
    await asked.fetch("/leader?wait", { method: "POST", headers, body });
    return false;
  });
}
