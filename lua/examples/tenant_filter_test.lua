local app = { user = "app", guc = { ["app.tenant"] = "7" } }

test("a read is narrowed", function(t)
  t:expect(t:eval(app, "SELECT id FROM orders WHERE total > 5"))
    :rewrites("SELECT id FROM (SELECT * FROM orders WHERE orders.tenant_id OPERATOR(pg_catalog.=) '7') orders WHERE total > 5")
end)

test("both sides of a left join are narrowed, and it stays a left join", function(t)
  t:expect(t:eval(app, "SELECT o.id, i.no FROM orders o LEFT JOIN invoices i ON i.order_id = o.id"))
    :rewrites("SELECT o.id, i.no FROM (SELECT * FROM orders WHERE orders.tenant_id OPERATOR(pg_catalog.=) '7') o "
      .. "LEFT JOIN (SELECT * FROM invoices WHERE invoices.tenant_id OPERATOR(pg_catalog.=) '7') i ON i.order_id = o.id")
end)

test("changes are narrowed", function(t)
  t:expect(t:eval(app, "DELETE FROM orders WHERE id = 1")):rewrites()
  t:expect(t:eval(app, "UPDATE public.orders SET paid = true WHERE id = 1 OR id = 2")):rewrites()
end)

test("a tenant's name is a literal, whatever it holds", function(t)
  local sly = { user = "app", guc = { ["app.tenant"] = "7' OR true --" } }
  t:expect(t:eval(sly, "SELECT id FROM orders"))
    :rewrites("SELECT id FROM (SELECT * FROM orders WHERE orders.tenant_id OPERATOR(pg_catalog.=) '7'' OR true --') orders")
end)

test("no tenant, no data", function(t)
  t:expect(t:eval({ user = "app" }, "SELECT * FROM orders")):denies("tenant-filter")
end)

test("what no filter narrows is refused", function(t)
  t:expect(t:eval(app, "INSERT INTO orders (id, tenant_id) VALUES (1, '8')")):denies("tenant-insert")
  t:expect(t:eval(app, "COPY orders TO STDOUT")):denies("tenant-insert")
end)

test("other tables and other users are left alone", function(t)
  t:expect(t:eval(app, "SELECT * FROM countries")):passes()
  t:expect(t:eval({ user = "dba" }, "SELECT * FROM orders")):passes()
end)
