// The configuration file: TOML, every key known, every value in its range, every mistake named by
// file, line and column, all of them at once. Precedence: built-in default < file < command line.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/server.h"

namespace pgmoat::app {

struct Config {
  net::ServerSetup server;  // session not yet prepared; make_judge and on_event not set
  std::vector<std::string> refuse_words;
  bool bad_frame_given = false;  // else it follows the mode
  bool oversize_given = false;
};

// Sentences "FILE:LINE:COLUMN: what is wrong", one for each mistake.
using ConfigErrors = std::vector<std::string>;

Config default_config();
Result<Config, ConfigErrors> read_config_text(std::string_view text, const std::string& file);
Result<Config, ConfigErrors> read_config(const std::string& file);

// "HOST:PORT", "[::1]:6432".
Result<net::Address, std::string> parse_address(std::string_view text);
// Fills what follows from other settings, and prepares the session setup.
void settle(Config& config);
// The known word nearest to `word`, or "".
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace pgmoat::app
