-- People get a read-only session: by tool or by network. application_name is a hint, not proof; so the
-- network counts as well, and what is tagged once stays so for the session.
pgmoat.api(1)

local office = pgmoat.cidrs{ "10.20.0.0/16" }
local tools = { psql = true, DataGrip = true, DBeaver = true, ["pgAdmin 4"] = true }

pgmoat.rule{
  id = "humans",
  on = "auth",
  description = "Sessions of people are tagged",
  severity = "info",
  owner = "dba@example.org",
  tags = { "humans" },
  when = function(s) return tools[s.application_name] == true or office:contains(s.client.ip) end,
  verdict = pgmoat.tag{ "human" },
}

pgmoat.rule{
  id = "humans-read-only",
  description = "People read; changes go through reviewed programs",
  severity = "high",
  owner = "dba@example.org",
  tags = { "humans" },
  match = { tags = "human", writes = true, none = { { kind = { "set", "tcl" } } } },
  verdict = pgmoat.deny{ sqlstate = "25006", message = "interactive sessions are read-only" },
}
