// What `pgmoat check` has found, for programs: JSON of our own, and SARIF 2.1.0, which editors and code
// hosts show beside the line.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::app {

// `problems`: sentences "FILE:LINE:COLUMN: what", with "warning: " before what is none of an error.
// One without a place is about the whole.
std::string check_report_json(const std::vector<std::string>& problems);
std::string check_report_sarif(const std::vector<std::string>& problems);

}  // namespace pgmoat::app
