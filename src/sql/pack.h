// A draft becomes the one block that an Analysis owns.
#pragma once

#include <memory>

#include "sql/analysis.h"
#include "sql/draft.h"

namespace pgmoat::sql {

// What an analysis says besides its statements.
struct Heading {
  std::string_view text;       // as it was handed in
  std::string_view read_text;  // what positions refer to: the text, or it in UTF-8
  std::string_view traceparent;
  std::string_view why;
  Opacity opacity = Opacity::none;
  std::uint32_t error_position = 0;
  bool depends_on_scs = false, depends_on_encoding = false;
};

class AnalysisBuilder {
 public:
  static std::shared_ptr<const Analysis> pack(const Draft& draft, const Heading& heading);
};

}  // namespace pgmoat::sql
