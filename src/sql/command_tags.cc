#include "sql/command_tags.h"

#include <vector>

#include "sql/replication.h"

namespace pgmoat::sql {

std::span<const std::string_view> command_tags() {
  static const std::vector<std::string_view> tags = [] {
    std::vector<std::string_view> all = {
#define PG_CMDTAG(tag, name, event_trigger, table_rewrite, row_count) name,
#include <tcop/cmdtaglist.h>
#undef PG_CMDTAG
    };
    for (const std::string_view word : replication_words()) all.push_back(word);
    return all;
  }();
  return tags;
}

}  // namespace pgmoat::sql
