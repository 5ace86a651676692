/** What came of a promotion. */
export const promotion = {
  type: "object",
  properties: {
    cluster_id: { type: "string", description: "Of the new cluster." },
    index: { type: "integer", minimum: 1, description: "The last entry that is in it." },
    last_write_time: { type: "string", format: "date-time" },
    complete: { type: "boolean", description: "Whether that is all that the archive had." },
    damage: { type: "string", description: "What is wrong with the copy that was promoted." },
  },
  required: ["cluster_id", "index", "complete"],
  additionalProperties: false,
};
