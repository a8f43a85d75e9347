// The packs that come with pgmoat (rules/*.toml), inside the program: `packs = ["core"]` needs no
// file at run time. Local changes are overrides, exceptions and packs of one's own.
#pragma once

#include <string_view>
#include <vector>

namespace pgmoat::policy {

struct ShippedPack {
  std::string_view name;  // "core"
  std::string_view text;  // TOML
};

const std::vector<ShippedPack>& shipped_packs();

}  // namespace pgmoat::policy
