#!/usr/bin/python3
"""tidy.py ROOT: the house rules that no compiler checks. Prints one line per breach, exits 1 if any.

Each check is a function from a Tree to sentences; tidy_test.py proves that each can fail.
"""
import os
import re
import sys

FLOORS = {
    "base": 0, "wire": 1, "sql": 1, "script": 1, "auth": 2, "baseline": 2, "mask": 2, "route": 2,
    "policy": 3, "session": 4, "observe": 5, "accounts": 5, "capture": 5, "admin": 5, "net": 5, "app": 6,
}
# Third-party headers, and the only folders of src/ that may include them.
OWNERS = [
    (r"asio(\.hpp|/)", {"net"}),
    (r"toml(\+\+|\.hpp)", {"app", "policy"}),
    (r"CLI/", {"app"}),
    (r"rapidjson/", {"observe", "app"}),
    (r"(pg_query|postgres\.h|nodes/|parser/|utils/)", {"sql"}),
    (r"re2/", {"policy", "script"}),
    (r"xxhash", {"policy", "sql"}),
    (r"(lua\.h|lua\.hpp|lauxlib\.h|lualib\.h|lua[0-9.]*/)", {"script"}),
    (r"openssl/", {"auth", "net"}),
    (r"libpq", {"accounts"}),
]
TOP_LEVEL = {"CMakeLists.txt", "src", "rules", "lua", "corpus", "tests", "fuzz", "docs", "README.md", "LICENSE"}
FILE_LINES, FUNCTION_LINES = 400, 60
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


class Tree:
    """The files of a checkout: relative path -> text, read once."""

    def __init__(self, root):
        self.root = root
        self.texts = {}
        for top in ("src", "fuzz", "tests", "docs", "rules", "lua"):
            for folder, folders, names in os.walk(os.path.join(root, top)):
                folders[:] = [f for f in folders if f != "__pycache__"]
                for name in names:
                    path = os.path.join(folder, name)
                    try:
                        with open(path, encoding="utf-8") as file:
                            self.texts[os.path.relpath(path, root)] = file.read()
                    except UnicodeDecodeError:
                        pass
        for name in ("README.md", "CMakeLists.txt", "corpus/README.md"):
            if os.path.exists(self.at(name)):
                with open(self.at(name), encoding="utf-8") as file:
                    self.texts[name] = file.read()

    def at(self, path):
        return os.path.join(self.root, path)

    def sources(self, *tops):
        for path in sorted(self.texts):
            if path.split("/")[0] in tops and path.endswith((".h", ".cc")):
                yield path, self.texts[path]


def floors(tree):
    """An include goes to a strictly lower floor or stays in its folder."""
    for path, text in tree.sources("src"):
        folder = path.split("/")[1]
        if folder not in FLOORS:
            yield f"{path}: folder src/{folder} has no floor (tests/tidy/tidy.py, FLOORS)"
            continue
        for quote, target in INCLUDE.findall(text):
            other = target.split("/")[0]
            if quote != '"':
                continue
            if "/" not in target:
                yield f'{path}: include "{target}" must be written from src/ ("{folder}/{target}")'
            elif other != folder and other in FLOORS and FLOORS[other] >= FLOORS[folder]:
                yield (f'{path}: includes "{target}", floor {FLOORS[other]}, '
                       f"from floor {FLOORS[folder]}; includes go strictly down")


def owners(tree):
    """Each third-party library is seen by its folder only."""
    for path, text in tree.sources("src"):
        folder = path.split("/")[1]
        for _, target in INCLUDE.findall(text):
            for pattern, allowed in OWNERS:
                if re.match(pattern, target) and folder not in allowed:
                    yield f"{path}: <{target}> belongs to src/{', src/'.join(sorted(allowed))} only"


def openings(tree):
    """A file opens with its idea; a .cc may leave that to its header."""
    for path, text in tree.sources("src", "fuzz"):
        if text.startswith("//"):
            continue
        if path.endswith(".cc") and tree.texts.get(path[:-3] + ".h", "").startswith("//"):
            continue
        yield f"{path}:1: must open with a comment that says what this is and the idea of it"


def file_sizes(tree):
    for path, text in tree.sources("src", "fuzz"):
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield f"{path}: {lines} lines; {FILE_LINES} is the limit, split it by idea"


def blank_out(text):
    """Comments, strings and character constants become spaces; line breaks stay."""
    pattern = re.compile(
        r'R"([^(\s]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def functions_of(text):
    """(first line, line count) of each outermost brace block that follows a parameter list."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", blank_out(text), flags=re.M)
    stack, head, line, inside = [], "", 1, 0
    for char in code:
        if char == "{":
            is_type = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()=]*$", head)
            is_function = not inside and not is_type and ")" in head and "=" not in head.split("(")[0]
            stack.append((line, is_function))
            inside += is_function
            head = ""
        elif char == "}":
            if stack:
                start, is_function = stack.pop()
                if is_function:
                    inside -= 1
                    yield start, line - start + 1
            head = ""
        elif char == ";":
            head = ""
        else:
            head += char
        line += char == "\n"


def function_sizes(tree):
    for path, text in tree.sources("src", "fuzz"):
        for start, size in functions_of(text):
            if size > FUNCTION_LINES:
                yield f"{path}:{start}: a function of {size} lines; {FUNCTION_LINES} is the limit"


def unfinished(tree):
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    for path, text in sorted(tree.texts.items()):
        for number, line in enumerate(text.split("\n"), 1):
            found = marks.search(line)
            if found and path.endswith((".h", ".cc", ".md", ".py", ".sh", ".txt")):
                yield f"{path}:{number}: {found.group(0)}: do it or write an issue"


def decoders(tree):
    """Every decoder is fuzzed and documented."""
    fuzzers = "".join(text for path, text in tree.sources("fuzz") if path.endswith("_fuzz.cc"))
    manual = tree.texts.get("docs/protocol.md", "")
    for path, text in tree.sources("src"):
        if not re.match(r"src/wire/.*\.h$", path):
            continue
        for name in sorted(set(re.findall(r"\b(decode_\w+)\s*\(", blank_out(text)))):
            if not re.search(rf"\b{name}\b", fuzzers):
                yield f"{path}: {name} is named in no fuzz/*_fuzz.cc"
            if not re.search(rf"\b{name}\b", manual):
                yield f"{path}: {name} has no row in docs/protocol.md"


def seeds(tree):
    """Every fuzz target starts from a folder of seeds: corpus/<kind>/<target without _fuzz>/."""
    for path, _ in tree.sources("fuzz"):
        name = os.path.basename(path)
        if not name.endswith("_fuzz.cc"):
            continue
        name = name[:-len("_fuzz.cc")]
        kinds = sorted(os.listdir(tree.at("corpus"))) if os.path.isdir(tree.at("corpus")) else []
        folders = [tree.at(f"corpus/{kind}/{name}") for kind in kinds]
        if not any(os.path.isdir(folder) and os.listdir(folder) for folder in folders):
            yield f"{path}: no seeds; expected files in corpus/<kind>/{name}/"


def links(tree):
    """Relative links in documents lead to something."""
    for path, text in sorted(tree.texts.items()):
        if not path.endswith(".md"):
            continue
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:|#", target):
                continue
            file = target.split("#")[0]
            if not os.path.exists(os.path.join(tree.root, os.path.dirname(path), file)):
                yield f"{path}: link to {target}, which does not exist"


def settings(tree):
    """docs/configuration.md and the key files of src/app know the same keys.

    A documented key is the first cell of a table row, in backquotes; `[section]` and dotted
    prefixes are dropped. A key of the program is a snake_case string constant that
    is looked up: ["key"], or the first argument of a call.
    """
    manual = tree.texts.get("docs/configuration.md")
    code = "".join(tree.texts.get(path, "") for path in ("src/app/config.cc", "src/app/policy_keys.cc", "src/app/tls_keys.cc", "src/app/auth_keys.cc"))
    if manual is None or not code:
        return
    documented = set()
    for cell in re.findall(r"^\|\s*`([^`]+)`\s*\|", manual, re.M):
        cell = cell.strip("[]").split(".")[-1].split("=")[0].strip()
        if re.fullmatch(r"[a-z][a-z_]*", cell):
            documented.add(cell)
    constants = set(re.findall(r'"([a-z][a-z_]*)"', code))
    looked_up = set(re.findall(r'(?:\[|\bkey\(|\{)\s*"([a-z][a-z_]*)"\s*(?:\]|,)', code))
    for key in sorted(documented - constants):
        yield f"docs/configuration.md: key '{key}' is unknown to src/app"
    for key in sorted(looked_up):
        if not re.search(rf"\b{key}\b", manual):
            yield f"src/app: key '{key}' is not in docs/configuration.md"


def top_level(tree):
    for name in sorted(os.listdir(tree.root)):
        if name not in TOP_LEVEL and not name.startswith((".", "build")):
            yield f"{name}: does not belong at the top level"


CHECKS = [floors, owners, openings, file_sizes, function_sizes, unfinished, decoders, seeds, links, settings, top_level]


def breaches(root):
    tree = Tree(root)
    return [(check.__name__, sentence) for check in CHECKS for sentence in check(tree)]


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print("usage: tidy.py ROOT", file=sys.stderr)
        return 2
    found = breaches(sys.argv[1])
    for name, sentence in found:
        print(f"[{name}] {sentence}")
    print(f"tidy: {len(CHECKS)} checks, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
