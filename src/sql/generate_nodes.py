#!/usr/bin/python3
"""generate_nodes.py INCLUDE_DIR OUTPUT: every field of every node of PostgreSQL's tree, as a table.

Run by the build. It reads the installed node headers and writes a C++ file that describes each struct
with a NodeTag: its fields in order, where they are and what they hold. A visitor over this table meets
a node or a field that a later PostgreSQL adds without being told of it. A field whose type is not
understood stops the build; what is left out on purpose stands in SKIPPED, with its reason.
"""
import re
import sys

HEADERS = ["nodes.h", "pg_list.h", "value.h", "parsenodes.h", "primnodes.h", "lockoptions.h"]

# Types of fields that are not described, and why nothing is lost.
SKIPPED = {
    "Bitmapset *": "only parse analysis makes them; the raw grammar never does",
    "Datum": "the value of an analyzed Const; the raw grammar makes A_Const",
}
# Structs with a NodeTag that are not nodes of a tree of their own.
ABSTRACT = {
    "Node": "any node",
    "Expr": "the base of expression nodes, without a tag",
    "List": "walked by hand: its elements are its children",
}
# Named like statements, but parts of one or made later.
PARTS = {"RawStmt", "PlannedStmt", "PLAssignStmt", "ReplicaIdentityStmt", "ReturnStmt", "SetOperationStmt"}
BOOLEANS = {"bool"}
CHARACTERS = {"char"}
FLOATING = {"Cost", "Cardinality", "Selectivity"}
INTEGERS = {"int", "int16", "int32", "long", "uint64", "bits32", "Oid", "Index", "AttrNumber", "AclMode",
            "SubTransactionId"}
# Of type int, but a place in the text.
LOCATIONS = {"location", "stmt_location", "stmt_len"}


def fail(message):
    sys.exit("generate_nodes.py: " + message)


def read(folder):
    text = "\n".join(open(f"{folder}/nodes/{name}", encoding="utf-8").read() for name in HEADERS)
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def structs(text):
    """Name -> [(type, name)], of every struct in the headers."""
    # A_Const holds its value in place; nothing else has a union.
    text, unions = re.subn(r"union ValUnion\s*\{.*?\}\s*val;", "ValUnion val;", text, flags=re.S)
    if unions != 1:
        fail("A_Const no longer holds a union ValUnion")
    found = {}
    for name, body in re.findall(r"^(?:typedef )?struct (\w+)\s*\n\{(.*?)\n\}[^;]*;", text, re.S | re.M):
        if "union" in body or "#if" in body:
            fail(f"struct {name} has a union or a condition")
        found[name] = [declaration(name, " ".join(field.split())) for field in body.split(";") if field.strip()]
    return found


def declaration(struct, field):
    matched = re.fullmatch(r"(?:const )?(?:struct )?(\w+) ?(\*?)\s*(\w+)(\[\w*\])?", field)
    if not matched:
        fail(f"{struct} has a field that is not understood: {field}")
    kind, pointer, name, array = matched.groups()
    return kind + (" *" if pointer else "") + (" []" if array else ""), name


class Headers:
    def __init__(self, folder):
        text = read(folder)
        tags = re.search(r"typedef enum NodeTag\s*\{(.*?)\}", text, re.S).group(1)
        self.tags = re.findall(r"T_(\w+)", tags)
        self.enums = set(re.findall(r"^typedef enum (\w+)", text, re.M))
        self.structs = structs(text)
        for alias, name in [pair[::-1] for pair in re.findall(r"^typedef (\w+) (\w+);", text, re.M)]:
            if name in self.structs:
                self.structs[alias] = self.structs[name]

    def is_node(self, name):
        fields = self.structs.get(name)
        if not fields:
            return False
        kind = fields[0][0]
        return kind == "NodeTag" or (not kind.endswith("*") and self.is_node(kind))

    def fields(self, struct, prefix=""):
        """(path, kind) of each field; those of an embedded base come in its place."""
        for kind, name in self.structs[struct]:
            if kind == "NodeTag" or kind in SKIPPED:
                continue
            path = prefix + name
            if kind in self.structs and self.is_node(kind):
                yield from self.fields(kind, path + ".")
            else:
                yield path, self.kind(struct, kind, name)

    def kind(self, struct, kind, name):
        if kind == "char *":
            return "text"
        if kind.endswith(" *") and (kind[:-2] in ABSTRACT or self.is_node(kind[:-2])):
            return "node"
        if kind == "ValUnion":
            return "value"
        if kind in BOOLEANS:
            return "boolean"
        if kind in CHARACTERS:
            return "character"
        if kind in FLOATING:
            return "floating"
        if kind in self.enums:
            return "enumeration"
        if kind in INTEGERS:
            return "location" if name in LOCATIONS else "integer"
        return fail(f"the type of {struct}.{name} is not understood: {kind}")


def write(headers, out):
    described = [name for name in headers.tags
                 if name in headers.structs and name not in ABSTRACT and headers.is_node(name)]
    for name in headers.structs:
        if headers.is_node(name) and name not in headers.tags and name not in ABSTRACT:
            fail(f"struct {name} is a node without a tag")
    out.write("// Made by generate_nodes.py from the installed node headers.\n")
    out.write('#include <cstddef>\n\n#include "sql/nodes.h"\n#include "sql/postgres.h"\n\n')
    out.write("namespace pgmoat::sql {\nnamespace {\n")
    out.write("#define FIELD(node, path, kind) \\\n"
              "  {#path, offsetof(node, path), sizeof(((const node*)nullptr)->path), FieldKind::kind}\n")
    for name in described:
        fields = list(headers.fields(name))
        children = [f"offsetof({name}, {path})" for path, kind in fields if kind == "node"]
        if fields:
            rows = ",\n    ".join(f"FIELD({name}, {path}, {kind})" for path, kind in fields)
            out.write(f"constexpr Field k{name}[] = {{\n    {rows}}};\n")
        if children:
            out.write(f"constexpr std::uint16_t kIn{name}[] = {{{', '.join(children)}}};\n")
    out.write("#undef FIELD\n")
    out.write("\nstruct Table {\n  NodeType types[kNodeTags] = {};\n  constexpr Table() {\n")
    for name in described:
        fields = list(headers.fields(name))
        inside = f"kIn{name}" if any(kind == "node" for _, kind in fields) else "{}"
        statement = "true" if name.endswith("Stmt") and name not in PARTS else "false"
        out.write(f'    types[T_{name}] = {{"{name}", {"k" + name if fields else "{}"}, {inside}, {statement}}};\n')
    out.write('    types[T_List] = {"List", {}, {}};\n    types[T_IntList] = {"IntList", {}, {}};\n'
              '    types[T_OidList] = {"OidList", {}, {}};\n')
    out.write("  }\n};\nconstexpr Table kTable;\n}  // namespace\n\n")
    out.write(f"static_assert(T_{headers.tags[-1]} < kNodeTags);\n")
    out.write("const NodeType* const kNodeTypes = kTable.types;\n\n}  // namespace pgmoat::sql\n")


def main():
    folder, output = sys.argv[1:]
    headers = Headers(folder)
    with open(output, "w", encoding="utf-8") as out:
        write(headers, out)


if __name__ == "__main__":
    main()
