import { byLabel, type Family } from "./families.ts";

/** Who was let in, where clients are asked who they are. */
export function accessFamilies(counts: { readonly ok: number; readonly failed: number }): Family[] {
  return [{
    name: "raftlite_auth_requests_total",
    help: "Requests whose client was asked who they are, by whether they were let in",
    type: "counter",
    samples: byLabel("outcome", { admitted: counts.ok, refused: counts.failed }),
  }];
}
