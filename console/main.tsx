import { render } from "preact";
import { App } from "./app.tsx";
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/cluster.css";
import "./style/sql.css";
import "./style/data.css";
import "./style/node.css";
import "./style/changes.css";

const place = document.getElementById("app");
// What stands there already, by still.tsx, is gone on with.
if (place !== null) render(<App isOpen={"open" in place.dataset} />, place);
