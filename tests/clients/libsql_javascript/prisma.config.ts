// `prisma generate` asks for it; nothing connects by it.
export default { schema: "schema.prisma", datasource: { url: "file:./unused.db" } };
