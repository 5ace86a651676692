/**
 * Runs Prisma's client, by its adapter for libSQL, against a cluster: prisma.cjs FOLLOWER LEADER.
 * Prints a line for each check and `N passed, N failed`.
 */
const assert = require("node:assert/strict");
const process = require("node:process");
const { createClient } = require("@libsql/client");
const { PrismaClient } = require("@prisma/client");
const { PrismaLibSql } = require("@prisma/adapter-libsql");

const [follower, leader] = process.argv.slice(2);
const authToken = process.env.RAFTLITE_TOKEN;
const prisma = new PrismaClient({ adapter: new PrismaLibSql({ url: follower, authToken }) });

// What `prisma migrate diff --from-empty` gives for schema.prisma.
const tables = `
  CREATE TABLE "User" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "name" TEXT NOT NULL);
  CREATE TABLE "Post" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "title" TEXT NOT NULL, "score" REAL,
    "big" BIGINT NOT NULL DEFAULT 0, "at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "raw" BLOB, "authorId" INTEGER NOT NULL,
    CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User" ("id")
      ON DELETE RESTRICT ON UPDATE CASCADE);
  CREATE UNIQUE INDEX "User_name_key" ON "User"("name");
`;

async function check() {
  await createClient({ url: leader, authToken }).executeMultiple(tables);
  const at = new Date("2001-02-03T04:05:06.789Z");
  const raw = new Uint8Array([0, 255]);
  const big = BigInt(Number.MAX_SAFE_INTEGER);
  const user = await prisma.user.create({
    data: {
      name: "ann",
      posts: { create: [{ title: "a", score: 1, big, at, raw }, { title: "b" }] },
    },
    include: { posts: true },
  });
  const [post] = user.posts;
  assert.deepEqual([post.big, post.score, post.at.getTime()], [big, 1, at.getTime()]);
  assert.deepEqual(new Uint8Array(post.raw), raw);
  // Over HTTP the adapter knows no extended code of anybody's, and so not its own P2002.
  await assert.rejects(
    prisma.user.create({ data: { name: "ann" } }),
    /UNIQUE constraint failed: User.name/,
  );
  await prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { name: "bob" } });
    assert.equal(await tx.user.count(), 2);
    await tx.post.updateMany({ data: { score: { increment: 1 } } });
  });
  await assert.rejects(
    prisma.$transaction(async (tx) => {
      await tx.post.deleteMany();
      throw new Error("no");
    }),
    /no/,
  );
  await prisma.$transaction([prisma.user.create({ data: { name: "carl" } }), prisma.user.count()]);
  assert.equal(await prisma.user.count(), 3);
  const found = await prisma.post.findMany({
    where: { author: { name: { startsWith: "a" } }, at: { lte: at } },
    select: { title: true, score: true },
  });
  assert.deepEqual(found, [{ title: "a", score: 2 }]);
  const [{ n }] = await prisma.$queryRaw`SELECT count(*) AS n FROM "Post"`;
  assert.equal(Number(n), 2);
  await prisma.$disconnect();
}

check().then(
  () => console.log("ok Prisma creates, finds and runs transactions\n1 passed, 0 failed"),
  (error) => {
    console.log(`FAILED Prisma: ${error.stack}\n0 passed, 1 failed`);
    process.exitCode = 1;
  },
);
