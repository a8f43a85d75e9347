local change = "UPDATE orders SET paid = true WHERE id = 1"

test("by tool", function(t)
  t:expect(t:eval({ user = "ann", app = "psql", client = "10.1.2.3" }, change)):denies("humans-read-only")
end)

test("by network, whatever the tool says it is", function(t)
  t:expect(t:eval({ user = "ann", app = "app", client = "10.20.3.4" }, change)):denies("humans-read-only")
end)

test("people read, and programs write", function(t)
  t:expect(t:eval({ user = "ann", app = "psql", client = "10.1.2.3" }, "SELECT * FROM orders")):passes()
  t:expect(t:eval({ user = "app", app = "app", client = "10.1.2.3" }, change)):passes()
end)
