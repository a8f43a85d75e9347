#include "policy/lua_node.h"

#include "base/overload.h"

namespace pgmoat::policy {

namespace {

Place key_place(const LuaPart* part, const Place& otherwise) {
  return part == nullptr ? otherwise : Place{otherwise.file, part->line, part->column};
}

Place value_place(const LuaPart* part, const Place& otherwise) {
  return part == nullptr ? otherwise : Place{otherwise.file, part->value_line, part->value_column};
}

void read_table(const script::Table& table, const LuaPart* part, Node& node) {
  node.type = table.fields.empty() && !table.items.empty() ? Node::Type::list : Node::Type::table;
  for (std::size_t at = 0; at < table.items.size(); ++at) {
    const LuaPart* item = part == nullptr ? nullptr : part->item(at);
    node.items.push_back(to_node(table.items[at], item, value_place(item, node.place)));
  }
  for (const auto& [key, value] : table.fields) {
    if (key == kMadeBy) {
      if (const auto* name = value.as<std::string>()) node.made_by = *name;
      node.type = Node::Type::table;
      continue;
    }
    const LuaPart* field = part == nullptr ? nullptr : part->find(key);
    node.fields.push_back(
        {key, key_place(field, node.place), to_node(value, field, value_place(field, node.place))});
  }
}

}  // namespace

Node to_node(const script::Value& value, const LuaPart* part, const Place& place) {
  Node node;
  node.place = place;
  std::visit(Overload{[](std::monostate) {},
                      [&](bool flag) {
                        node.type = Node::Type::boolean;
                        node.boolean = flag;
                      },
                      [&](std::int64_t whole) {
                        node.type = Node::Type::integer;
                        node.integer = whole;
                      },
                      [&](double number) {
                        node.type = Node::Type::number;
                        node.number = number;
                      },
                      [&](const std::string& text) {
                        node.type = Node::Type::text;
                        node.text = text;
                      },
                      [&](const std::shared_ptr<script::Table>& table) {
                        if (table != nullptr) read_table(*table, part, node);
                      },
                      [&](script::Function function) {
                        node.type = Node::Type::function;
                        node.function = function;
                      }},
             value.is);
  return node;
}

}  // namespace pgmoat::policy
