import { Histogram } from "../base/histogram.ts";
import type { Family, Sample } from "./families.ts";

/** Answers as those who watch tell them apart: done, the client's fault, or this side's. */
const outcomes = ["success", "refused", "failed"] as const;
type Outcome = typeof outcomes[number];

/** The requests of one route: cheap to count, since every request does. */
export class RouteFigures {
  readonly route: string;
  /** Those without an answer yet. */
  underWay = 0;
  readonly #durations: Readonly<Record<Outcome, Histogram>> = {
    success: new Histogram(),
    refused: new Histogram(),
    failed: new Histogram(),
  };
  /** By status; at most as many as this program has. */
  readonly #statuses = new Map<number, number>();
  /** Times of those that other threads have answered, with 200. */
  elsewhere: readonly Histogram[] = [];

  constructor(route: string) {
    this.route = route;
  }

  /** A request that took so long, in seconds, until its answer began. */
  answered(status: number, seconds: number): void {
    this.#durations[outcomeOf(status)].observe(seconds);
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  get counts(): Sample<number>[] {
    const { route, elsewhere } = this;
    const statuses = new Map(this.#statuses);
    for (const { count } of elsewhere) {
      if (count > 0) statuses.set(200, (statuses.get(200) ?? 0) + count);
    }
    return Array.from(statuses, ([status, value]) => {
      return { labels: { route, code: String(status) }, value };
    });
  }

  get durations(): Sample<Histogram>[] {
    const { route } = this;
    return outcomes
      .map((outcome) => ({ labels: { route, outcome }, value: this.#durationsOf(outcome) }))
      .filter(({ value }) => value.count > 0);
  }

  #durationsOf(outcome: Outcome): Histogram {
    const own = this.#durations[outcome];
    if (outcome !== "success" || this.elsewhere.length === 0) return own;
    const all = new Histogram();
    for (const each of [own, ...this.elsewhere]) all.add(each);
    return all;
  }
}

/** Of all routes. */
export class RequestFigures {
  readonly #byRoute = new Map<string, RouteFigures>();

  /** @param route Its path as its record has it, never the client's; undefined when there is none. */
  of(route = "other"): RouteFigures {
    let figures = this.#byRoute.get(route);
    if (figures === undefined) this.#byRoute.set(route, figures = new RouteFigures(route));
    return figures;
  }

  get all(): readonly RouteFigures[] {
    return [...this.#byRoute.values()];
  }
}

function outcomeOf(status: number): Outcome {
  if (status < 400) return "success";
  return status < 500 ? "refused" : "failed";
}

/** What came over HTTP, by route. */
export function requestFamilies(routes: readonly RouteFigures[]): Family[] {
  return [
    {
      name: "raftlite_http_requests_total",
      help: "Requests answered, by route and status",
      type: "counter",
      samples: routes.flatMap(({ counts }) => counts),
    },
    {
      name: "raftlite_http_request_duration_seconds",
      help:
        "Time until the answer of a request began, by route and outcome: success (below 400), " +
        "refused (4xx), failed (5xx)",
      type: "histogram",
      samples: routes.flatMap(({ durations }) => durations),
    },
    {
      name: "raftlite_http_requests_in_flight",
      help: "Requests without an answer yet, by route",
      type: "gauge",
      samples: routes.map(({ route, underWay }) => ({ labels: { route }, value: underWay })),
    },
  ];
}
