#!/bin/sh
# Deno's node:tls: a socket that is paused goes on reading from the one below it, and keeps in memory
# all that its client sends. Node's stops; so does Deno's when the handle below is told to.
# Seen 2026-11-30 with npm's deno 2.9.6: 400 MB taken of 400 MB sent, and less than 10 with readStop.
# Needs node, npm and openssl. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-fund --no-audit --prefix "$folder" deno@2.9.6 > "$folder/npm.log" 2>&1 || {
  cat "$folder/npm.log"
  exit 2
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
  -keyout "$folder/key.pem" -out "$folder/cert.pem" 2> "$folder/openssl.log"
cat > "$folder/pause.ts" <<'EOF'
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
const [folder, how] = Deno.args;
const cert = readFileSync(`${folder}/cert.pem`, "utf8");
const key = readFileSync(`${folder}/key.pem`, "utf8");
const server = createServer({ cert, key }, (socket) => {
  socket.once("data", () => {
    socket.pause();
    if (how === "readStop") socket._parent._handle.readStop();
  });
});
server.listen({ host: "127.0.0.1", port: 0 }, async () => {
  const { port } = server.address();
  const client = await Deno.connectTls({ hostname: "localhost", port, caCerts: [cert] });
  const chunk = new Uint8Array(64 * 1024);
  let sent = 0;
  setTimeout(() => {
    console.log(`${how}: ${sent < 50e6 ? "the client waits" : "all is taken"} (${sent} bytes)`);
    Deno.exit();
  }, 15_000);
  while (sent < 400e6) sent += await client.write(chunk);
});
EOF
for how in pause readStop; do
  seen=$("$folder/node_modules/.bin/deno" run -A --no-check "$folder/pause.ts" "$folder" "$how")
  echo "$seen"
  case $how$seen in
  pause*"all is taken"* | readStop*"the client waits"*) ;;
  *) exit 1 ;;
  esac
done
