-- Schema changes only inside the change window, and only by the migrator.
pgmoat.api(1)

local window = pgmoat.schedule{ tz = "UTC", "Tue 02:00-04:00", "Thu 02:00-04:00" }

pgmoat.rule{
  id = "ddl-outside-window",
  description = "Schema changes run only in the change window, by user migrator",
  severity = "high",
  owner = "dba@example.org",
  tags = { "change-control" },
  match = { kind = "ddl" },
  when = function(s) return not (s.user == "migrator" and window:active()) end,
  verdict = pgmoat.deny{
    message = "schema changes are not allowed now",
    hint = "Ask dba@example.org for a dated exception.",
  },
}
