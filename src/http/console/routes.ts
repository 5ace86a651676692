import { jsonContentType } from "../answers.ts";
import type { Route } from "../route.ts";
import { whoami } from "../whoami.ts";
import { backups, verifyBackup } from "./backups.ts";
import { flags } from "./flags.ts";
import { auditLines, logLines } from "./lines.ts";
import { figures } from "./figures.ts";
import { consoleFile } from "./files.ts";

/** The console's own: its files hold no data, and it asks the rest of the API for that. */
export const consoleRoutes: readonly Route[] = [
  {
    path: "/console",
    match: "exact",
    methods: ["GET", "HEAD"],
    permissions: [],
    body: "none",
    endpoint: consoleFile,
  },
  {
    path: "/console/",
    match: "prefix",
    methods: ["GET", "HEAD"],
    permissions: [],
    body: "none",
    counter: "ui",
    endpoint: consoleFile,
  },
  {
    path: "/debug/figures",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: jsonContentType,
    endpoint: figures,
  },
  {
    path: "/debug/log",
    match: "exact",
    methods: ["GET"],
    // Slow statements stand there with their values, if somebody has asked for that.
    permissions: ["status", "query"],
    wholeDatabase: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: logLines,
  },
  {
    path: "/debug/audit",
    match: "exact",
    methods: ["GET"],
    permissions: ["status", "leader-ops"],
    wholeDatabase: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: auditLines,
  },
  {
    path: "/debug/flags",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: jsonContentType,
    endpoint: flags,
  },
  {
    path: "/debug/backups",
    match: "exact",
    methods: ["GET", "POST"],
    permissions: ["backup"],
    acts: { POST: "backup" },
    wholeDatabase: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: backups,
  },
  {
    path: "/debug/backups/verify",
    match: "exact",
    methods: ["GET"],
    permissions: ["backup"],
    wholeDatabase: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: verifyBackup,
  },
  {
    path: "/whoami",
    match: "exact",
    methods: ["GET"],
    permissions: [],
    body: "none",
    refusalType: jsonContentType,
    endpoint: whoami,
  },
];
