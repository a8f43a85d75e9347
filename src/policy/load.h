// From files to policy::Source: TOML packs and Lua policies, in the order of their names, with every
// problem that they have. Nothing is compiled here, and nothing that has an error may be.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/rule.h"
#include "script/sandbox.h"
#include "script/value.h"

namespace pgmoat::policy {

struct LoadOptions {
  std::int64_t now = 0;  // unix seconds, for what has expired; 0: nothing has
  bool lint = true;      // warn of what is allowed and surely not meant
  // Take the place of the packs' lists of these names; for packs that come without (tenant tables).
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, script::Value> parameters;  // of pgmoat.params(name): tables
  script::Budget budget;                            // of running a file of Lua
};

struct Text {
  std::string name, text;  // the name ends in .toml or .lua
};

// Files and folders; of a folder its *.toml and *.lua in name order, folders inside it too. Files of
// tests (*.test.toml, *_test.lua) are left out.
Source load(const std::vector<std::string>& paths, const LoadOptions& options = {});

// The texts first, then what `paths` name: one policy, so that ids are unique over all of it.
Source load(std::vector<Text> texts, const std::vector<std::string>& paths,
            const LoadOptions& options = {});
Source load_texts(const std::vector<Text>& texts, const LoadOptions& options = {});

bool has_errors(const Source& source);

}  // namespace pgmoat::policy
