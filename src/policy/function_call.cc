// The functions behind libpq's large-object interface have the same OIDs in every version (pg_proc.dat).
#include "policy/function_call.h"

#include <string_view>
#include <utility>

namespace pgmoat::policy {

std::string text_of_call(std::uint32_t oid) {
  static constexpr std::pair<std::uint32_t, std::string_view> kNames[] = {
      {715, "lo_create"},     {952, "lo_open"},      {953, "lo_close"},    {954, "loread"},
      {955, "lowrite"},       {956, "lo_lseek"},     {957, "lo_creat"},    {958, "lo_tell"},
      {964, "lo_unlink"},     {1004, "lo_truncate"}, {3170, "lo_lseek64"}, {3171, "lo_tell64"},
      {3172, "lo_truncate64"}};
  for (const auto& [number, name] : kNames) {
    if (number == oid) return "CALL pg_catalog." + std::string(name) + "()";
  }
  return "CALL pg_catalog.\"oid " + std::to_string(oid) + "\"()";
}

}  // namespace pgmoat::policy
