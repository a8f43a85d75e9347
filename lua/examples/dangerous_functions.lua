-- Functions, programs and files that applications do not need. The pack `core` knows many more and is kept up
-- to date; this shows how to write such a list.
pgmoat.api(1)

pgmoat.rule{
  id = "dangerous-functions",
  description = "Functions that reach out of the database, or stop it",
  severity = "critical",
  owner = "dba@example.org",
  tags = { "rce" },
  match = { functions = { "pg_sleep", "pg_read_file", "lo_import", "dblink", "pg_terminate_backend" } },
  verdict = pgmoat.deny{ message = "this function is not available through the firewall" },
}

pgmoat.rule{
  id = "copy-program",
  description = "COPY stays between client and server",
  severity = "critical",
  owner = "dba@example.org",
  tags = { "rce" },
  when = function(_, q) return q.copy.program ~= nil or q.copy.filename ~= nil end,
  verdict = pgmoat.deny{ message = "COPY to or from a program or server file is not allowed" },
}
