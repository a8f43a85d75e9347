#include "policy/function_call.h"

#include <algorithm>
#include <string_view>

namespace pgmoat::policy {

namespace {

struct Function {
  std::uint32_t oid;
  std::string_view name;
};
// pg_proc.dat of PostgreSQL 15, the same in 12 to 18.
constexpr Function kLargeObjectFunctions[] = {
    {715, "lo_create"},     {952, "lo_open"},      {953, "lo_close"},    {954, "loread"},
    {955, "lowrite"},       {956, "lo_lseek"},     {957, "lo_creat"},    {958, "lo_tell"},
    {964, "lo_unlink"},     {1004, "lo_truncate"}, {3170, "lo_lseek64"}, {3171, "lo_tell64"},
    {3172, "lo_truncate64"}};

std::string_view name_of_function(std::uint32_t oid) {
  const auto at = std::find_if(std::begin(kLargeObjectFunctions), std::end(kLargeObjectFunctions),
                               [&](const Function& each) { return each.oid == oid; });
  return at == std::end(kLargeObjectFunctions) ? std::string_view{} : at->name;
}

}  // namespace

bool is_large_object_function(std::uint32_t oid) { return !name_of_function(oid).empty(); }

std::string text_of_call(std::uint32_t oid) {
  const std::string_view name = name_of_function(oid);
  if (name.empty()) return "CALL pg_catalog.\"oid " + std::to_string(oid) + "\"()";
  return "CALL pg_catalog." + std::string(name) + "()";
}

}  // namespace pgmoat::policy
