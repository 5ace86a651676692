import { FlagError } from "./flag_error.ts";

/** Below it Linux lets only those listen who have a capability for it. */
const unprivilegedPortMin = 1024;

interface UnitParts {
  readonly command: readonly string[];
  readonly stateDirectory: string;
  /** Where the node listens. */
  readonly ports: readonly number[];
  /** What else it needs: whose the user is, where it may write beside its data. */
  readonly settings: readonly string[];
}

/**
 * The unit of a node. It says itself when it answers HTTP, and gives signs of life; to open much data
 * may take any time. A node that hangs is ended as by `kill -9`, which costs no data: by SIGABRT it
 * would leave a core with the clients' data in it. Of the hardening that systemd offers,
 * MemoryDenyWriteExecute= is left out: V8 writes machine code and runs it, and guards it by the
 * processor's protection keys (@pkey) where there are some.
 */
export function unitText({ command, stateDirectory, ports, settings }: UnitParts): string {
  const capabilities = Math.min(...ports) < unprivilegedPortMin ? "CAP_NET_BIND_SERVICE" : "";
  return `# Made by raftlite systemd-unit
[Unit]
Description=raftlite, a replicated SQLite database
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${command.map(quoted).join(" ")}
Restart=on-failure
RestartPreventExitStatus=2
RestartSec=2s
TimeoutStartSec=infinity
TimeoutStopSec=60s
WatchdogSec=60s
WatchdogSignal=SIGKILL
KillSignal=SIGTERM
ExecReload=/bin/kill -HUP $MAINPID
LimitNOFILE=65536

User=raftlite
StateDirectory=${stateDirectory}
StateDirectoryMode=0700
${settings.join("\n")}
CacheDirectory=raftlite
Environment=HOME=/var/cache/raftlite DENO_DIR=/var/cache/raftlite/deno

AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/**
 * An argument as ExecStart= and its kin take it: quoted where needed, `%` and `$` doubled so that
 * they stand for themselves.
 *
 * https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines
 */
export function quoted(argument: string): string {
  if (/\p{Cc}/u.test(argument)) {
    throw new FlagError(1, `A unit file cannot hold ${JSON.stringify(argument)}`);
  }
  const escaped = argument.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$\[\]-]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}
