#!/usr/bin/env python3
"""Writes the shipped packs into a C++ source, so that one program file holds all it needs and a shipped
pack cannot be edited by accident. Called by CMake: embed_packs.py OUTPUT FILE..."""
import os
import sys


def literal(text):
    """Raw string literals of at most 8 KiB, which every compiler takes."""
    parts = [text[i:i + 8192] for i in range(0, len(text), 8192)] or [""]
    for part in parts:
        assert ')PACK"' not in part
    return "\n".join(f'R"PACK({part})PACK"' for part in parts)


def main():
    output, files = sys.argv[1], sys.argv[2:]
    rows = []
    for path in sorted(files):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            rows.append(f'    {{"{name}", {literal(file.read())}}},')
    text = "// Made by embed_packs.py from rules/*.toml.\n#include \"policy/shipped.h\"\n\n"
    text += "namespace pgmoat::policy {\n\nconst std::vector<ShippedPack>& shipped_packs() {\n"
    text += "  static const std::vector<ShippedPack> packs = {\n" + "\n".join(rows) + "\n  };\n  return packs;\n}\n\n"
    text += "}  // namespace pgmoat::policy\n"
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
