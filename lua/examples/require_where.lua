-- UPDATE and DELETE must have a WHERE that selects, also inside WITH. The etl user may empty its import
-- table.
pgmoat.api(1)

pgmoat.rule{
  id = "require-where",
  description = "UPDATE and DELETE need a WHERE clause that selects rows",
  severity = "high",
  owner = "dba@example.org",
  tags = { "safety" },
  when = function(_, q) return not q.where.present or q.where.constant_true end,
  verdict = pgmoat.deny{
    message = "UPDATE and DELETE need a WHERE clause that selects rows",
    hint = "Add a WHERE clause, or use TRUNCATE where the whole table is meant.",
  },
  exceptions = {
    { name = "nightly-etl", user = "etl", relations = { "staging.import" }, reason = "CHG-4411" },
  },
}
