-- Tells of statements of the orders application whose shape is not in a list of known ones. The list is
-- a file of structural hashes, one a line with a word about it: `pgmoat explain` prints the hash of a
-- statement. pgmoat does not learn such lists by itself yet.
pgmoat.api(1)

local known = pgmoat.map{ file = "known_shapes.txt" }

pgmoat.rule{
  id = "new-shape",
  description = "A statement of the orders application that is not in its list",
  severity = "medium",
  owner = "orders@example.org",
  tags = { "anomaly" },
  mode = "monitor",
  match = { app = "orders" },
  when = function(_, q) return not known:has(q.structure) end,
  verdict = pgmoat.alert{ message = "statement shape not seen before", capture = "normalized" },
}
