// Facts while they are gathered: flat lists that all statements of a text share, and the strings that
// exist nowhere else. An Analyzer keeps one Draft and reuses its memory; pack() makes the one block
// that an Analysis owns. Views here point into the tree, the text or the arena.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sql/facts.h"

namespace pgmoat::sql {

// Strings that live until the next reset(). The first piece is kept.
class Arena {
 public:
  char* room(std::size_t size);
  std::string_view keep(std::string_view text);
  std::string_view join(std::string_view left, std::string_view middle, std::string_view right);
  void reset();
  std::size_t joined() const { return joined_; }  // octets that join() has made since reset()

 private:
  static constexpr std::size_t kPiece = 16u << 10;
  std::vector<std::unique_ptr<char[]>> pieces_;
  std::size_t used_ = 0, size_ = 0;  // of the last piece
  std::size_t joined_ = 0;
};

struct DraftFunction {
  std::string_view schema, name;
  std::uint32_t first_argument = 0, arguments = 0;
  Reach reach = Reach::call;
  bool nested = false;
  std::uint32_t position = 0;
};

// The lists of facts; also where in them a statement begins.
template <template <class> class Of>
struct Lists {
  Of<Relation> relations;
  Of<Column> columns;
  Of<DraftFunction> functions;
  Of<Literal> literals;
  Of<Setting> settings;
  Of<std::string_view> roles;
  Of<std::string_view> clauses;
  Of<Body> bodies;
  Of<NestedCommand> nested_commands;
  Of<std::string_view> object_names;
  Of<std::string_view> extensions;
};
template <class T>
using Vector = std::vector<T>;
template <class>
using Place = std::uint32_t;

struct DraftStatement {
  explicit DraftStatement(const Lists<Place>& places) : begins(places) {}
  Facts facts;          // its spans are empty until it is packed
  Lists<Place> begins;  // it ends where the next begins
};

struct Draft : Lists<Vector> {
  std::vector<DraftStatement> statements;
  std::vector<Argument> arguments;
  std::vector<std::string_view> comments;
  Arena arena;

  void clear();
  Lists<Place> places() const;
};

}  // namespace pgmoat::sql
