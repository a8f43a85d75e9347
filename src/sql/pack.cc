// Two passes over the draft: one that counts bytes, one that copies. Views into the text are moved to
// its copy; all others are copied behind it.
#include "sql/pack.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/check.h"

namespace pgmoat::sql {
namespace {

class Packer {
 public:
  Packer(std::byte* block, std::size_t size, const Heading& heading)
      : at_(block), end_(block + size), heading_(heading) {}

  void copy_texts() {
    text_ = copy(heading_.text);
    read_text_ =
        heading_.read_text.data() == heading_.text.data() ? text_ : copy(heading_.read_text);
  }
  std::string_view text() const { return text_; }

  template <class T>
  T* array(std::size_t count) {
    const std::size_t padding = -reinterpret_cast<std::uintptr_t>(at_) & (alignof(T) - 1);
    T* const first = reinterpret_cast<T*>(at_ + padding);
    at_ += padding + count * sizeof(T);
    PGMOAT_CHECK(at_ <= end_);
    return first;
  }

  std::string_view copy(std::string_view view) {
    if (view.empty()) return {};
    char* const first = reinterpret_cast<char*>(at_);
    std::memcpy(first, view.data(), view.size());
    at_ += view.size();
    PGMOAT_CHECK(at_ <= end_);
    return {first, view.size()};
  }

  // Of a view that may lie in the text.
  std::string_view moved(std::string_view view) {
    const std::string_view in = heading_.read_text;
    if (view.data() >= in.data() && view.data() + view.size() <= in.data() + in.size()) {
      return read_text_.empty()
                 ? std::string_view()
                 : read_text_.substr(static_cast<std::size_t>(view.data() - in.data()),
                                     view.size());
    }
    return copy(view);
  }

 private:
  std::byte *at_, *end_;
  const Heading& heading_;
  std::string_view text_, read_text_;
};

constexpr std::size_t kPadding = 8 * 16;  // of a statement's arrays

std::size_t bytes_of(const Draft& draft, const Heading& heading) {
  std::size_t size = kPadding * (draft.statements.size() + 1) + heading.text.size() +
                     heading.read_text.size() + heading.traceparent.size() + heading.why.size();
  size += draft.statements.size() * sizeof(Facts) + draft.arguments.size() * sizeof(Argument) +
          draft.functions.size() * sizeof(Function) + draft.columns.size() * sizeof(Column) +
          draft.relations.size() * sizeof(Relation) + draft.literals.size() * sizeof(Literal) +
          draft.settings.size() * sizeof(Setting) + draft.bodies.size() * sizeof(Body) +
          draft.nested_commands.size() * sizeof(NestedCommand);
  size += sizeof(std::string_view) *
          (draft.roles.size() + draft.clauses.size() + draft.object_names.size() +
           draft.extensions.size() + draft.comments.size());
  // Each function's arguments are an array of their own, behind text.
  for (const auto& f : draft.functions) {
    size += f.schema.size() + f.name.size() + 1 + alignof(Argument);
  }
  for (const auto& a : draft.arguments) size += a.value.size();
  for (const auto& c : draft.columns) size += c.relation.size() + c.name.size();
  for (const auto& r : draft.relations) {
    size += r.catalog.size() + r.schema.size() + r.name.size() + r.alias.size() + 1;
  }
  for (const auto& l : draft.literals) size += l.value.size();
  for (const auto& s : draft.settings) size += s.name.size() + s.value.size();
  for (const auto& b : draft.bodies) size += b.language.size();
  for (const auto* names :
       {&draft.roles, &draft.object_names, &draft.extensions, &draft.comments}) {
    for (const std::string_view name : *names) size += name.size();
  }
  for (const auto& s : draft.statements) {
    const Facts& f = s.facts;
    size += f.prepared.size() + f.cursor.size() + f.channel.size() + f.copy.file.size() +
            f.copy.format.size();
  }
  return size;
}

// "schema.name" is stored once; all three views are of it.
void pack_qualified(Packer& packer, std::string_view& schema, std::string_view& name,
                    std::string_view& qualified) {
  if (schema.empty()) {
    qualified = name = packer.copy(name);
    return;
  }
  const std::string_view whole = packer.copy(schema);
  packer.copy(".");
  const std::string_view last = packer.copy(name);
  qualified = {whole.data(), whole.size() + 1 + last.size()};
  schema = whole;
  name = last;
}

// An array of draft elements [begin, end); `fix` moves the strings of each.
template <class T, class Fix>
std::span<const T> pack_list(Packer& packer, const std::vector<T>& from, std::uint32_t begin,
                             std::uint32_t end, Fix&& fix) {
  if (begin == end) return {};
  T* const to = packer.array<T>(end - begin);
  std::uninitialized_copy(from.begin() + begin, from.begin() + end, to);
  for (std::uint32_t i = 0; i < end - begin; ++i) fix(to[i]);
  return {to, end - begin};
}

std::span<const std::string_view> pack_names(Packer& packer,
                                             const std::vector<std::string_view>& from,
                                             std::uint32_t begin, std::uint32_t end) {
  return pack_list(packer, from, begin, end,
                   [&](std::string_view& name) { name = packer.copy(name); });
}

std::span<const Function> pack_functions(Packer& packer, const Draft& draft, std::uint32_t begin,
                                         std::uint32_t end) {
  if (begin == end) return {};
  Function* const to = packer.array<Function>(end - begin);
  for (std::uint32_t i = begin; i < end; ++i) {
    const DraftFunction& from = draft.functions[i];
    Function& function = *new (to + (i - begin)) Function;
    function.schema = from.schema;
    function.name = from.name;
    pack_qualified(packer, function.schema, function.name, function.qualified);
    function.reach = from.reach;
    function.nested = from.nested;
    function.position = from.position;
    function.arguments = pack_list(
        packer, draft.arguments, from.first_argument, from.first_argument + from.arguments,
        [&](Argument& argument) { argument.value = packer.copy(argument.value); });
  }
  return {to, end - begin};
}

void pack_statement(Packer& packer, const Draft& draft, const Lists<Place>& begin,
                    const Lists<Place>& end, Facts& facts) {
  facts.relations =
      pack_list(packer, draft.relations, begin.relations, end.relations, [&](Relation& relation) {
        relation.catalog = packer.copy(relation.catalog);
        relation.alias = packer.copy(relation.alias);
        pack_qualified(packer, relation.schema, relation.name, relation.qualified);
      });
  facts.columns = pack_list(packer, draft.columns, begin.columns, end.columns, [&](Column& column) {
    column.relation = packer.copy(column.relation);
    column.name = packer.copy(column.name);
  });
  facts.functions = pack_functions(packer, draft, begin.functions, end.functions);
  facts.literals = pack_list(packer, draft.literals, begin.literals, end.literals,
                             [&](Literal& literal) { literal.value = packer.copy(literal.value); });
  facts.settings =
      pack_list(packer, draft.settings, begin.settings, end.settings, [&](Setting& setting) {
        setting.name = packer.copy(setting.name);
        setting.value = packer.copy(setting.value);
      });
  facts.bodies = pack_list(packer, draft.bodies, begin.bodies, end.bodies,
                           [&](Body& body) { body.language = packer.copy(body.language); });
  // These names are of tables in commands.cc and clauses.cc.
  facts.clauses = pack_list(packer, draft.clauses, begin.clauses, end.clauses,
                                 [](std::string_view&) {});
  facts.nested_commands = pack_list(packer, draft.nested_commands, begin.nested_commands,
                                    end.nested_commands, [](NestedCommand&) {});
  facts.roles = pack_names(packer, draft.roles, begin.roles, end.roles);
  facts.object_names = pack_names(packer, draft.object_names, begin.object_names, end.object_names);
  facts.extensions = pack_names(packer, draft.extensions, begin.extensions, end.extensions);
  facts.text = packer.moved(facts.text);
  for (std::string_view* text :
       {&facts.prepared, &facts.cursor, &facts.channel, &facts.copy.file, &facts.copy.format}) {
    *text = packer.copy(*text);
  }
}

}  // namespace

std::shared_ptr<const Analysis> AnalysisBuilder::pack(const Draft& draft, const Heading& heading) {
  // The Analysis lies at the front of its block: one allocation for both.
  using Word = std::uint64_t;
  static_assert(std::is_trivially_destructible_v<Analysis> && alignof(Analysis) <= alignof(Word));
  const std::size_t size = sizeof(Analysis) + bytes_of(draft, heading);
  auto block = std::make_shared_for_overwrite<Word[]>(size / sizeof(Word) + 1);
  auto* const bytes = reinterpret_cast<std::byte*>(block.get());
  Analysis* const analysis = new (bytes) Analysis;
  Packer packer(bytes + sizeof(Analysis), size - sizeof(Analysis), heading);
  packer.copy_texts();
  Facts* const facts = packer.array<Facts>(draft.statements.size());
  for (std::size_t i = 0; i < draft.statements.size(); ++i) {
    new (facts + i) Facts(draft.statements[i].facts);
    const bool last = i + 1 == draft.statements.size();
    pack_statement(packer, draft, draft.statements[i].begins,
                   last ? draft.places() : draft.statements[i + 1].begins, facts[i]);
  }
  analysis->statements_ = {facts, draft.statements.size()};
  analysis->text_ = packer.text();
  analysis->comments_ =
      pack_list(packer, draft.comments, 0, static_cast<std::uint32_t>(draft.comments.size()),
                [&](std::string_view& comment) { comment = packer.moved(comment); });
  analysis->traceparent_ = packer.copy(heading.traceparent);
  analysis->why_ = packer.copy(heading.why);
  analysis->opacity_ = heading.opacity;
  analysis->error_position_ = heading.error_position;
  analysis->depends_on_scs_ = heading.depends_on_scs;
  analysis->depends_on_encoding_ = heading.depends_on_encoding;
  analysis->converted_ = heading.read_text.data() != heading.text.data();
  analysis->memory_ = size;
  return {std::move(block), analysis};
}

}  // namespace pgmoat::sql
