import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import type { OtlpSource } from "./types.ts";

/** What the environment says of the resource counts, but for who this is. */
export function resourceOf({ version, nodeId }: OtlpSource): Resource {
  return detectResources({ detectors: [envDetector] }).merge(resourceFromAttributes({
    "service.name": "raftlite",
    "service.version": version,
    "service.instance.id": nodeId,
  }));
}
