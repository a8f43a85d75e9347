-- People get at most 5000 rows. Who is a person: see humans_read_only.lua, which gives the tag.
pgmoat.api(1)

local most = 5000

pgmoat.rule{
  id = "cap-limit-humans",
  description = "At most 5000 rows go to a person",
  severity = "low",
  owner = "dba@example.org",
  tags = { "humans" },
  match = { kind = "select" },
  when = function(s, q)
    if not s.tags:has("human") or q.locking then return false end
    return q.limit.kind ~= "literal" or q.limit.value > most
  end,
  verdict = pgmoat.rewrite{ pgmoat.edit.cap_limit(most) },
}
