test("no WHERE", function(t)
  t:expect(t:eval({ user = "app" }, "DELETE FROM orders")):denies("require-where")
  t:expect(t:eval({ user = "app" }, "UPDATE orders SET paid = true WHERE 1 = 1")):denies("require-where")
end)

test("no WHERE inside WITH", function(t)
  local sql = "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone"
  t:expect(t:eval({ user = "app" }, sql)):denies("require-where")
end)

test("a WHERE that selects, and statements that need none", function(t)
  t:expect(t:eval({ user = "app" }, "DELETE FROM orders WHERE id = $1")):passes()
  t:expect(t:eval({ user = "app" }, "SELECT * FROM orders")):passes()
end)

test("the exception is for one user and one table", function(t)
  t:expect(t:eval({ user = "etl" }, "DELETE FROM staging.import")):passes()
  t:expect(t:eval({ user = "etl" }, "DELETE FROM orders")):denies("require-where")
  t:expect(t:eval({ user = "app" }, "DELETE FROM staging.import")):denies("require-where")
end)
