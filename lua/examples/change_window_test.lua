local ddl = "ALTER TABLE orders ADD note text"

test("the migrator may, inside the window", function(t)
  t:clock("2026-12-01T03:00Z")  -- a Tuesday
  t:expect(t:eval({ user = "migrator" }, ddl)):passes()
end)

test("the migrator may not, outside it", function(t)
  t:clock("2026-12-01T04:00Z")
  t:expect(t:eval({ user = "migrator" }, ddl)):denies("ddl-outside-window")
  t:clock("2026-12-02T03:00Z")
  t:expect(t:eval({ user = "migrator" }, ddl)):denies("ddl-outside-window")
end)

test("others never may, and need no window for what is no schema change", function(t)
  t:clock("2026-12-01T03:00Z")
  t:expect(t:eval({ user = "app" }, ddl)):denies("ddl-outside-window")
  t:expect(t:eval({ user = "app" }, "UPDATE orders SET note = 'x' WHERE id = 1")):passes()
end)
