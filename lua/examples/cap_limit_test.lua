local human = { user = "ann", tags = { "human" } }

test("no limit, and one that is too high", function(t)
  t:expect(t:eval(human, "SELECT * FROM orders")):rewrites("SELECT * FROM orders LIMIT 5000")
  t:expect(t:eval(human, "SELECT * FROM orders LIMIT 90000")):rewrites("SELECT * FROM orders LIMIT 5000")
end)

test("a limit that is low enough stays", function(t)
  t:expect(t:eval(human, "SELECT * FROM orders LIMIT 10")):passes()
end)

test("programs are not capped", function(t)
  t:expect(t:eval({ user = "app" }, "SELECT * FROM orders")):passes()
end)
