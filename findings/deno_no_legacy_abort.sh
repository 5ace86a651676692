#!/bin/sh
# Deno.serve aborts the signal of every request at its end, a good answer too, unless it is asked not
# to: "unstable": ["no-legacy-abort"] in deno.json, or --unstable-no-legacy-abort. The first is
# ignored, with nothing said, before 2.9. In what `deno compile` makes both are, in 2.4.2 (seen; the
# newest source looked at, cli/rt/run.rs, still has `no_legacy_abort: false`). Whoever asked a
# request for its signal then pays for an abort with each answer, and its stack: a fifth of a node's
# time (2.4.2).
# Seen 2026-11-30 with npm's deno. What is compiled needs a base of Deno's own (DENORT_BIN, or its
# download), and is not looked at here.
# Needs node, npm. Ends with 1 when a version behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo '{ "unstable": ["no-legacy-abort"] }' > "$folder/deno.json"
cat > "$folder/ask.ts" <<'EOF'
let seen = "kept";
const handler = ({ signal }: Request) => {
  signal.addEventListener("abort", () => seen = "aborted");
  return new Response("good");
};
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
await (await fetch(`http://127.0.0.1:${server.addr.port}`)).text();
// The answer may be here before its request has ended there.
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(seen);
Deno.exit();
EOF
failed=0
expect() {
  mkdir "$folder/$1"
  npm install --silent --no-fund --no-audit --prefix "$folder/$1" "deno@$1" > "$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log"
    exit 2
  }
  deno="$folder/$1/node_modules/.bin/deno"
  by_file=$("$deno" run -A --config "$folder/deno.json" "$folder/ask.ts")
  by_flag=$("$deno" run -A --unstable-no-legacy-abort "$folder/ask.ts")
  echo "Deno $1: asked by deno.json: $by_file; by the flag: $by_flag"
  [ "$by_file $by_flag" = "$2" ] || failed=1
}
expect 2.4.2 "aborted kept"
expect 2.8.3 "aborted kept"
expect 2.9.6 "kept kept"
[ $failed = 0 ] || echo "Changed"
exit $failed
