// What tests have said, and how it is shown: for people, as TAP, JUnit XML or JSON.
#pragma once

#include <string>
#include <vector>

#include "policy/rule.h"

namespace pgmoat::app {

class Report {
 public:
  struct Line {
    std::string name;
    policy::Place place;
    std::string failure;  // "": passed
  };
  void add(std::string name, policy::Place place, std::string failure) {
    if (!failure.empty()) ++failed_;
    lines_.push_back({std::move(name), std::move(place), std::move(failure)});
  }
  const std::vector<Line>& lines() const { return lines_; }
  std::size_t failed() const { return failed_; }

 private:
  std::vector<Line> lines_;
  std::size_t failed_ = 0;
};

// To stdout. `format`: "human", "tap", "junit", "json".
void print(const Report& report, const std::string& format);

}  // namespace pgmoat::app
