-- Every reference to a tenant's table sees the rows of the session's tenant only. What cannot be
-- narrowed by a filter is refused. Row security in the database is the stronger control; this is for
-- schemas that cannot be changed. Load it with the pack `multitenant` at level 2, which keeps app.tenant
-- from being changed: [policy] packs = ["core", "multitenant"], levels = { multitenant = 2 }.
pgmoat.api(1)

local tenant_tables = { "public.orders", "public.invoices" }

pgmoat.rule{
  id = "tenant-insert",
  description = "INSERT, MERGE and COPY take no filter",
  severity = "critical",
  owner = "dba@example.org",
  tags = { "multitenant" },
  match = {
    user = "app",
    relations = tenant_tables,
    kind = { "insert", "merge", "copy", "ddl", "do", "call" },
  },
  verdict = pgmoat.deny{
    message = "{command} on tables of tenants is not allowed",
    hint = "Insert through the function that sets tenant_id.",
  },
}

pgmoat.rule{
  id = "tenant-filter",
  description = "Rows of the session's own tenant only",
  severity = "critical",
  owner = "dba@example.org",
  tags = { "multitenant" },
  on_error = "deny",
  order = 10,
  -- No `kind`: PREPARE, DECLARE, EXPLAIN and COPY (SELECT ...) are filtered too, and what cannot be is
  -- refused by on_error.
  match = { user = "app", relations = tenant_tables },
  decide = function(s)
    local tenant = s.guc["app.tenant"]
    if not tenant or tenant == "" then
      return pgmoat.deny{ message = "app.tenant is not set for this session" }
    end
    return pgmoat.rewrite{
      pgmoat.edit.add_filter{ relations = tenant_tables, column = "tenant_id", equals = tenant },
    }
  end,
}
