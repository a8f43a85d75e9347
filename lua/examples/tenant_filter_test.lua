local app = { user = "app", guc = { ["app.tenant"] = "7" } }

-- As the edit writes it: no search_path can put another operator in its place.
local function narrowed(relation, tenant)
  return "(SELECT * FROM " .. relation .. " WHERE " .. relation .. ".tenant_id OPERATOR(pg_catalog.=) "
    .. tenant .. ")"
end

test("a read is narrowed", function(t)
  t:expect(t:eval(app, "SELECT id FROM orders WHERE total > 5"))
    :rewrites("SELECT id FROM " .. narrowed("orders", "'7'") .. " orders WHERE total > 5")
end)

test("both sides of a left join are narrowed, and it stays a left join", function(t)
  t:expect(t:eval(app, "SELECT o.id, i.no FROM orders o LEFT JOIN invoices i ON i.order_id = o.id"))
    :rewrites("SELECT o.id, i.no FROM " .. narrowed("orders", "'7'") .. " o "
      .. "LEFT JOIN " .. narrowed("invoices", "'7'") .. " i ON i.order_id = o.id")
end)

test("changes are narrowed", function(t)
  t:expect(t:eval(app, "DELETE FROM orders WHERE id = 1")):rewrites()
  t:expect(t:eval(app, "UPDATE public.orders SET paid = true WHERE id = 1 OR id = 2")):rewrites()
end)

test("whatever reads is narrowed, by whatever statement", function(t)
  for _, statement in ipairs{ "PREPARE x AS SELECT id FROM ", "DECLARE c CURSOR FOR SELECT id FROM ",
                              "EXPLAIN (ANALYZE) SELECT id FROM " } do
    t:expect(t:eval(app, statement .. "orders")):rewrites(statement .. narrowed("orders", "'7'") .. " orders")
  end
end)

test("a tenant's name is a literal, whatever it holds", function(t)
  local sly = { user = "app", guc = { ["app.tenant"] = "7' OR true --" } }
  t:expect(t:eval(sly, "SELECT id FROM orders"))
    :rewrites("SELECT id FROM " .. narrowed("orders", "'7'' OR true --'") .. " orders")
end)

test("no tenant, no data", function(t)
  t:expect(t:eval({ user = "app" }, "SELECT * FROM orders")):denies("tenant-filter")
end)

test("what no filter narrows is refused", function(t)
  t:expect(t:eval(app, "INSERT INTO orders (id, tenant_id) VALUES (1, '8')")):denies("tenant-insert")
  t:expect(t:eval(app, "COPY orders TO STDOUT")):denies("tenant-insert")
  t:expect(t:eval(app, "LOCK orders")):denies("tenant-filter")
  t:expect(t:eval(app, "SELECT query_to_xml('SELECT * FROM orders', true, true, '')")):denies("tenant-filter")
end)

test("other tables and other users are left alone", function(t)
  t:expect(t:eval(app, "SELECT * FROM countries")):passes()
  t:expect(t:eval({ user = "dba" }, "SELECT * FROM orders")):passes()
end)
