std = "lua54"
max_line_length = 110
read_globals = { "pgmoat", "test" }
exclude_files = { "types" }  -- stubs for the editor, generated
