#!/bin/sh
# Deno.serve refuses an HTTP/1.1 request that has a body and offers an upgrade (RFC 9110, 7.8): 400,
# with nothing said. Java's HttpClient makes that offer with every request by default (h2c).
# Seen 2026-11-29 with npm's deno: 2.8.2 answers 200; 2.8.3 and 2.9.6 answer 400, and 200 when there
# is no body. The check is in libs/http_h1/parse.rs, `body_kind`.
# Needs node, npm. Ends with 1 when a version behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/ask.ts" <<'EOF'
async function ask(port: number, headers: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n${headers}`;
  await connection.write(new TextEncoder().encode(request));
  return (await new Response(connection.readable).text()).split(" ")[1] ?? "nothing";
}
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response());
const { port } = server.addr;
console.log(await ask(port, "Content-Length: 1\r\n\r\nx"), await ask(port, "\r\n"));
Deno.exit();
EOF
failed=0
expect() {
  mkdir "$folder/$1"
  npm install --silent --no-fund --no-audit --prefix "$folder/$1" "deno@$1" > "$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log"
    exit 2
  }
  seen=$("$folder/$1/node_modules/.bin/deno" run -A "$folder/ask.ts")
  echo "Deno $1: with a body and without one: $seen"
  [ "$seen" = "$2" ] || failed=1
}
expect 2.8.2 "200 200"
expect 2.8.3 "400 200"
expect 2.9.6 "400 200"
[ $failed = 0 ] || echo "Changed"
exit $failed
