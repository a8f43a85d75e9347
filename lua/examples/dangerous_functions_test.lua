local app = { user = "app" }

test("however it is spelt", function(t)
  for _, sql in ipairs{
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT \"pg_catalog\".\"pg_read_file\"('/etc/passwd')",
    "SELECT ('/etc/passwd').pg_read_file",
    "SELECT pg_read_file/*x*/('/etc/passwd')",
    "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)",
  } do
    t:expect(t:eval(app, sql)):denies("dangerous-functions")
  end
end)

test("its name in a string or an alias is no call", function(t)
  t:expect(t:eval(app, "SELECT 'pg_read_file(1)' AS pg_read_file")):passes()
end)

test("COPY", function(t)
  t:expect(t:eval(app, "COPY t FROM PROGRAM 'id'")):denies("copy-program")
  t:expect(t:eval(app, "COPY t TO '/tmp/t'")):denies("copy-program")
  t:expect(t:eval(app, "COPY t TO STDOUT")):passes()
end)
