import { simulate } from "./simulation.ts";
import { optionsFor, type StoreName } from "./store_options.ts";

/** Every `step`th seed from `first` on, before `end`. */
export interface Assignment {
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly store: StoreName;
}

const scope = self as unknown as Worker;

scope.onmessage = async ({ data }: MessageEvent<Assignment>) => {
  const options = await optionsFor(data.store);
  for (let seed = data.first; seed < data.end; seed += data.step) {
    scope.postMessage(await simulate(seed, options));
  }
};
