#include "app/check_report.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <string_view>

namespace pgmoat::app {

namespace {

using Json = rapidjson::Writer<rapidjson::StringBuffer>;

struct Problem {
  std::string_view file, message;
  int line = 0, column = 0;
  bool warning = false;
};

// The number that ends at the colon at `colon`; 0 where there is none.
int number_before(std::string_view text, std::size_t colon, std::size_t& begin) {
  begin = colon;
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  if (begin == colon || colon - begin > 9) return 0;
  return std::stoi(std::string(text.substr(begin, colon - begin)));
}

Problem problem_of(std::string_view sentence) {
  constexpr std::string_view kWarning = "warning: ";
  Problem problem;
  problem.message = sentence;
  const std::size_t end = sentence.find(": ");
  std::size_t column = 0, line = 0;
  if (end != std::string_view::npos) {
    problem.column = number_before(sentence, end, column);
    if (problem.column != 0 && column > 1) problem.line = number_before(sentence, column - 1, line);
    if (problem.line != 0 && line > 1) {
      problem.file = sentence.substr(0, line - 1);
      problem.message = sentence.substr(end + 2);
    } else {
      problem.line = problem.column = 0;
    }
  }
  problem.warning = problem.message.starts_with(kWarning);
  if (problem.warning) problem.message.remove_prefix(kWarning.size());
  return problem;
}

void put(Json& json, const char* key, std::string_view value) {
  json.Key(key);
  json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void put(Json& json, const char* key, int value) {
  json.Key(key);
  json.Int(value);
}

void put_location(Json& json, const Problem& problem) {
  json.Key("locations");
  json.StartArray();
  json.StartObject();
  json.Key("physicalLocation");
  json.StartObject();
  json.Key("artifactLocation");
  json.StartObject();
  put(json, "uri", problem.file);
  json.EndObject();
  json.Key("region");
  json.StartObject();
  put(json, "startLine", problem.line);
  put(json, "startColumn", std::max(problem.column, 1));
  json.EndObject();
  json.EndObject();
  json.EndObject();
  json.EndArray();
}

}  // namespace

std::string check_report_json(const std::vector<std::string>& problems) {
  rapidjson::StringBuffer buffer;
  Json json(buffer);
  json.StartObject();
  json.Key("problems");
  json.StartArray();
  for (const std::string& sentence : problems) {
    const Problem problem = problem_of(sentence);
    json.StartObject();
    put(json, "level", problem.warning ? "warning" : "error");
    put(json, "file", problem.file);
    put(json, "line", problem.line);
    put(json, "column", problem.column);
    put(json, "message", problem.message);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return buffer.GetString() + std::string("\n");
}

std::string check_report_sarif(const std::vector<std::string>& problems) {
  rapidjson::StringBuffer buffer;
  Json json(buffer);
  json.StartObject();
  put(json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  put(json, "version", "2.1.0");
  json.Key("runs");
  json.StartArray();
  json.StartObject();
  json.Key("tool");
  json.StartObject();
  json.Key("driver");
  json.StartObject();
  put(json, "name", "pgmoat");
  put(json, "version", PGMOAT_VERSION);
  json.EndObject();
  json.EndObject();
  json.Key("results");
  json.StartArray();
  for (const std::string& sentence : problems) {
    const Problem problem = problem_of(sentence);
    json.StartObject();
    put(json, "ruleId", "check");
    put(json, "level", problem.warning ? "warning" : "error");
    json.Key("message");
    json.StartObject();
    put(json, "text", problem.message);
    json.EndObject();
    if (problem.line != 0) put_location(json, problem);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  json.EndArray();
  json.EndObject();
  return buffer.GetString() + std::string("\n");
}

}  // namespace pgmoat::app
