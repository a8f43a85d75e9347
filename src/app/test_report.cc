#include "app/test_report.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdio>

namespace pgmoat::app {

namespace {

std::string place_text(const policy::Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

// One line: a name may be a statement of several.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return text;
}

std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c; break;
    }
  }
  return out;
}

void human(const Report& report) {
  for (const Report::Line& line : report.lines()) {
    if (line.failure.empty()) continue;
    std::printf("FAILED %s\n  %s: %s\n", one_line(line.name).c_str(),
                place_text(line.place).c_str(), line.failure.c_str());
  }
  std::printf("%zu passed, %zu failed\n", report.lines().size() - report.failed(), report.failed());
}

void tap(const Report& report) {
  std::printf("TAP version 13\n1..%zu\n", report.lines().size());
  std::size_t number = 0;
  for (const Report::Line& line : report.lines()) {
    std::printf("%sok %zu - %s\n", line.failure.empty() ? "" : "not ", ++number,
                one_line(line.name).c_str());
    if (!line.failure.empty()) {
      std::printf("# %s: %s\n", place_text(line.place).c_str(), one_line(line.failure).c_str());
    }
  }
}

void junit(const Report& report) {
  std::printf(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"pgmoat\" tests=\"%zu\""
      " failures=\"%zu\">\n",
      report.lines().size(), report.failed());
  for (const Report::Line& line : report.lines()) {
    std::printf("  <testcase name=\"%s\" file=\"%s\" line=\"%d\"", xml(line.name).c_str(),
                xml(line.place.file).c_str(), line.place.line);
    if (line.failure.empty()) std::printf("/>\n");
    else std::printf("><failure message=\"%s\"/></testcase>\n", xml(line.failure).c_str());
  }
  std::printf("</testsuite>\n");
}

void json(const Report& report) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto put = [&](const char* key, const std::string& value) {
    out.Key(key);
    out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  out.StartObject();
  out.Key("passed");
  out.Uint64(report.lines().size() - report.failed());
  out.Key("failed");
  out.Uint64(report.failed());
  out.Key("tests");
  out.StartArray();
  for (const Report::Line& line : report.lines()) {
    out.StartObject();
    put("name", line.name);
    put("file", line.place.file);
    out.Key("line");
    out.Int(line.place.line);
    out.Key("ok");
    out.Bool(line.failure.empty());
    put("failure", line.failure);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  std::printf("%s\n", buffer.GetString());
}

}  // namespace

void print(const Report& report, const std::string& format) {
  if (format == "tap") tap(report);
  else if (format == "junit") junit(report);
  else if (format == "json") json(report);
  else human(report);
}

}  // namespace pgmoat::app
