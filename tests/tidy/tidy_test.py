#!/usr/bin/python3
"""Small made-up trees: a clean one passes, and each check fails on its own breach."""
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy

CLEAN = {
    "README.md": "[protocol](docs/protocol.md)\n",
    "src/base/bytes.h": "// Bytes.\n#pragma once\n",
    "src/wire/query.h": '// Queries.\n#include "base/bytes.h"\nint decode_query(int);\n',
    "src/wire/query.cc": '#include "wire/query.h"\nint decode_query(int x) {\n  return x;\n}\n',
    "src/app/config.cc": '// Config.\nauto x = table["listen"];\n',
    "src/net/io.cc": "// Sockets.\n#include <asio.hpp>\n",
    "fuzz/query_fuzz.cc": "// Queries.\nint f() { return decode_query(1); }\n",
    "corpus/wire/query/one": "Q",
    "docs/protocol.md": "| Query | `decode_query` |\n",
    "docs/configuration.md": "| `listen` | where |\n",
    ".ci/run": "", "build-asan/x": "",
}


def names_for(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **changes}.items():
            if text is None:
                continue
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return [name for name, _ in tidy.breaches(root)]


class Tidy(unittest.TestCase):
    def breaks(self, check, changes):
        self.assertEqual(set(names_for(changes)), {check})

    def test_clean(self):
        self.assertEqual(names_for({}), [])

    def test_floors(self):
        self.breaks("floors", {"src/wire/up.h": '// Up.\n#include "session/engine.h"\n'})
        self.breaks("floors", {"src/net/side.h": '// Sideways.\n#include "observe/log.h"\n'})
        self.breaks("floors", {"src/utils/x.h": "// A folder without a floor.\n"})
        self.breaks("floors", {"src/wire/near.h": '// Not from src/.\n#include "query.h"\n'})

    def test_owners(self):
        for header in ("asio.hpp", "asio/ip/tcp.hpp", "toml++/toml.h", "CLI/CLI.hpp", "rapidjson/writer.h",
                       "pg_query.h", "lua.h", "lua5.4/lua.hpp", "openssl/evp.h"):
            self.breaks("owners", {"src/wire/foreign.h": f"// Foreign.\n#include <{header}>\n"})

    def test_openings(self):
        self.breaks("openings", {"src/wire/mute.h": "#pragma once\n"})
        self.breaks("openings", {"src/wire/alone.cc": "int x;\n"})

    def test_file_sizes(self):
        line = "int x;\n"
        self.assertEqual(names_for({"src/wire/long.h": "// Long.\n" + line * 399}), [])
        self.breaks("file_sizes", {"src/wire/long.h": "// Long.\n" + line * 400})

    def test_function_sizes(self):
        def text(lines):
            return ("// F.\nnamespace a {\nstruct S {\n" + "  int x;\n" * 70 + "};\nint f(int x) {\n"
                    + "  if (x) { x = '{'; }  // }\n" * (lines - 2) + "}\n}\n")
        self.assertEqual(names_for({"src/wire/f.cc": text(60)}), [])
        self.breaks("function_sizes", {"src/wire/f.cc": text(61)})

    def test_unfinished(self):
        self.breaks("unfinished", {"src/wire/later.h": "// TO" "DO: later.\n"})

    def test_decoders(self):
        more = CLEAN["src/wire/query.h"] + "int decode_parse(int);\n"
        self.assertEqual(names_for({"src/wire/query.h": more}), ["decoders", "decoders"])
        self.breaks("decoders", {"docs/protocol.md": "nothing\n"})

    def test_seeds(self):
        self.breaks("seeds", {"corpus/wire/query/one": None})

    def test_links(self):
        self.breaks("links", {"docs/more.md": "[gone](gone.md)\n"})
        self.assertEqual(names_for({"docs/more.md": "[up](../README.md#top) [web](https://example.org)\n"}), [])

    def test_settings(self):
        self.breaks("settings", {"docs/configuration.md": "| `listen` | x |\n| `backend` | x |\n"})
        self.breaks("settings", {"docs/configuration.md": "nothing\n"})

    def test_top_level(self):
        self.breaks("top_level", {"utils/x": ""})


if __name__ == "__main__":
    unittest.main()
