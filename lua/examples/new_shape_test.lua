local orders = { user = "app", app = "orders" }

test("a shape of the list, with other constants", function(t)
  t:expect(t:eval(orders, "SELECT id FROM orders WHERE customer = 4711")):passes("new-shape")
end)

test("another shape", function(t)
  t:expect(t:eval(orders, "SELECT id FROM orders WHERE customer = 4711 OR 1 = 1")):alerts("new-shape")
end)

test("other applications", function(t)
  t:expect(t:eval({ user = "app", app = "billing" }, "SELECT 1")):passes("new-shape")
end)
