// `pgmoat run`: composes the floors into a running process and steers it by signals.
#pragma once

#include <string>

#include "app/config.h"

namespace pgmoat::app {

// Blocks until every session has ended after a signal. `file`: re-read on SIGHUP, may be empty.
int serve(Config config, const std::string& file);

}  // namespace pgmoat::app
