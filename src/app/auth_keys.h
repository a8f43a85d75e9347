// The keys of [auth], [[auth.rule]] and [credential.NAME], what of them cannot work and why, and the
// plan that they and their files make. SIGHUP makes it anew.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "app/keys.h"

namespace pgmoat::app {

Keys auth_keys(AuthConfig& auth, const std::string& file, const Complain& complain);
Read credentials(AuthConfig& auth, const std::string& file, const Complain& complain);

// What cannot work, and what would, as FILE:LINE:COLUMN sentences: for the whole of the configuration,
// settled, since it is the legs' TLS that decides.
ConfigErrors impossible_logins(const Config& config, const std::string& file);

// Reads the files and runs the programs that it refers to. `before`: the plan that is in force; what a
// password was there is tried where the new one is not accepted yet.
Result<std::shared_ptr<const auth::Plan>, ConfigErrors> make_plan(const Config& config,
                                                                  const auth::Plan* before);

}  // namespace pgmoat::app
