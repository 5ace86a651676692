import { simulate } from "./simulation.ts";

/** Every `step`th seed from `first` on, before `end`. */
export interface Assignment {
  readonly first: number;
  readonly step: number;
  readonly end: number;
}

const scope = self as unknown as Worker;

scope.onmessage = async ({ data }: MessageEvent<Assignment>) => {
  for (let seed = data.first; seed < data.end; seed += data.step) {
    scope.postMessage(await simulate(seed));
  }
};
