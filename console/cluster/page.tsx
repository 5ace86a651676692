import { useState } from "preact/hooks";
import { act } from "../api/client.ts";
import type { LiveNode, LiveState } from "../api/live.ts";
import { may, type Who } from "../api/session.ts";
import { Question } from "../parts/dialog.tsx";
import { count } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { tell } from "../parts/toasts.tsx";
import { Charts } from "./charts.tsx";
import type { NodeActions } from "./node_card.tsx";
import { Picture } from "./picture.tsx";
import { type Warning, warningsOf } from "./warnings.ts";

type Asked = {
  readonly what: "lead" | "stepDown" | "remove" | "snapshot";
  readonly id: string;
};

/** What runs, how it is, and how it was. */
export function ClusterPage(
  { live, who }: { readonly live: LiveState; readonly who: Who },
) {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const { cluster, failure } = live;
  const voters = cluster?.nodes.filter(({ suffrage }) => suffrage === "voter").length ?? 0;
  const actionsOf = (node: LiveNode): NodeActions => {
    const { id, reachable, leader, suffrage } = node;
    const ask = (what: Asked["what"]) => () => setAsked({ what, id });
    const canLead = reachable && !leader && suffrage === "voter";
    return {
      lead: canLead && may(who, "leader-ops") ? ask("lead") : undefined,
      stepDown: leader && reachable && voters > 1 && may(who, "leader-ops")
        ? ask("stepDown")
        : undefined,
      remove: may(who, "remove") && cluster?.nodes.length !== 1 ? ask("remove") : undefined,
      snapshot: id === cluster?.node && may(who, "snapshot") ? ask("snapshot") : undefined,
    };
  };
  return (
    <>
      <div class="page-head">
        <h1>Cluster</h1>
        {cluster && (
          <span class="soft small number">
            term {count(cluster.term)} · {count(cluster.committed)} entries committed
          </span>
        )}
      </div>
      {failure !== undefined && (
        <Notice
          warning={{
            isGrave: true,
            what: `${failure}: what is below is of ${
              cluster ? new Date(cluster.at).toLocaleTimeString() : "no time yet"
            }`,
            todo: "It is asked again and again. The other nodes have a console, too.",
          }}
        />
      )}
      {cluster &&
        warningsOf(cluster).map((warning) => <Notice key={warning.what} warning={warning} />)}
      {cluster
        ? <Picture cluster={cluster} actionsOf={actionsOf} />
        : failure === undefined && <p class="soft">The nodes are being asked…</p>}
      {/* They would move down when the nodes come, which takes a moment. */}
      {(cluster !== undefined || failure !== undefined) && <Charts live={live} />}
      {asked && <Ask asked={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Notice(
  { warning: { isGrave, what, todo } }: { readonly warning: Warning },
) {
  return (
    <div
      class={`notice ${isGrave ? "bad" : ""}`}
      role={isGrave ? "alert" : "note"}
    >
      <Icon name="warning" />
      <strong>{what}</strong>
      <p>{todo}</p>
    </div>
  );
}

/** Asks once more, and says what it does. */
function Ask(
  { asked: { what, id }, onClose }: {
    readonly asked: Asked;
    readonly onClose: () => void;
  },
) {
  switch (what) {
    case "lead":
      return (
        <Question
          title={`Make ${id} the leader?`}
          verb="Hand over"
          onClose={onClose}
          act={async () => {
            await act("/leader?wait", "POST", { id });
            tell(`${id} leads`);
          }}
        >
          <p>
            The leader brings {id}{" "}
            up to date and hands over. Writes wait for a moment; none is lost, and reads go on.
          </p>
        </Question>
      );
    case "stepDown":
      return (
        <Question
          title={`Have ${id} lead no more?`}
          verb="Step down"
          onClose={onClose}
          act={async () => {
            await act("/leader?wait", "POST");
            tell(`${id} leads no more`);
          }}
        >
          <p>
            {id}{" "}
            hands over to the voter that has most of its log. Writes wait for a moment; none is
            lost, and reads go on.
          </p>
        </Question>
      );
    case "remove":
      return (
        <Question
          title={`Remove ${id} from the cluster?`}
          verb="Remove"
          grave
          onClose={onClose}
          act={async () => {
            await act("/remove", "DELETE", { id });
            tell(`${id} is removed`);
          }}
        >
          <p>
            {id}{" "}
            counts no more, gets no more entries, and its vote is gone. Its data directory stays as
            it is; to come back it has to join anew.
          </p>
        </Question>
      );
    case "snapshot":
      return (
        <Question
          title="Take a snapshot now?"
          verb="Take it"
          onClose={onClose}
          act={async () => {
            const { status } = await act("/snapshot", "POST");
            tell(
              status === 204 ? "Nothing was new since the last snapshot" : "The snapshot is taken",
            );
          }}
        >
          <p>
            {id}{" "}
            writes its WAL into the database’s file and drops the part of its log that the file
            stands for. It does so by itself, too; reads and writes go on meanwhile.
          </p>
        </Question>
      );
  }
}
