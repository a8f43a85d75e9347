#include "support/recording.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

namespace pgmoat::test {

namespace {

namespace fs = std::filesystem;
using wire::Side;

constexpr std::uint32_t kSsl = 80877103, kGss = 80877104, kCancel = 80877102;

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> truncated_names(const fs::path& folder) {
  std::set<std::string> names;
  std::ifstream in(folder / "truncated.txt");
  for (std::string name, full, kept; in >> name >> full >> kept;) names.insert(name);
  return names;
}

std::string_view text_at(std::string_view body, std::size_t at) {
  return at > body.size() ? std::string_view() : body.substr(at, body.find('\0', at) - at);
}

// COPY FROM STDIN needs these letters, whatever else stands between them.
bool mentions_copy(std::string_view sql) {
  std::string lower(sql);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower.find("copy") != std::string::npos && lower.find("std") != std::string::npos;
}

}  // namespace

std::vector<Recording> recordings() {
  const fs::path folder = fs::path(PGMOAT_CORPUS) / "sessions";
  const std::set<std::string> truncated = truncated_names(folder);
  std::vector<Recording> all;
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    const std::string path = fs::relative(file.path(), folder).string();
    if (!path.ends_with(".c2s.bin")) continue;
    Recording recording;
    recording.name = path.substr(0, path.size() - 8);
    recording.client = contents(file.path());
    recording.server = contents(folder / (recording.name + ".s2c.bin"));
    recording.truncated = truncated.contains(recording.name + ".s2c.bin");
    all.push_back(std::move(recording));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    word = word << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
  }
  return word;
}

Frame next_frame(std::string_view& rest) {
  if (rest.size() < 5) return {};
  const std::size_t size = 1 + std::size_t{word_at(rest, 1)};
  if (size < 5 || size > rest.size()) return {};
  const Frame frame{rest[0], rest.substr(0, size)};
  rest.remove_prefix(size);
  return frame;
}

Frame next_first_packet(std::string_view& rest) {
  const std::size_t size = word_at(rest, 0);
  if (size < 8 || size > rest.size()) return {};
  const Frame frame{0, rest.substr(0, size)};
  rest.remove_prefix(size);
  return frame;
}

Script::Script(const Recording& recording, std::string own_key, Errors errors)
    : key_(std::move(own_key)),
      errors_(errors),
      client_(recording.client),
      server_(recording.server) {
  greet();
  if (kind == Kind::session && logged_in) converse();
  if (kind == Kind::tls || kind == Kind::no_client) return;
  complete = client_.empty() && owed_.empty() && !starved_;
  if (!client_.empty()) say(client_);
  for (Frame frame = next_frame(server_); !frame.bytes.empty(); frame = next_frame(server_)) {
    waiting_login_ ? hear_login(frame) : hear(frame);
  }
  complete = complete && server_.empty();
  if (server_.empty()) return;
  turns.push_back({Side::server, server_});
  monitor.to_client += server_;
  monitor.turns = turns.size();
}

// A turn of the client's. The server gets the same bytes in monitor mode.
void Script::say(std::string_view bytes, bool enforced_too) {
  turns.push_back({Side::client, bytes});
  monitor.to_server += bytes;
  monitor.turns = turns.size();
  if (starved_) return;
  if (enforced_too) enforce.to_server += bytes;
  enforce.turns = turns.size();
}

// Encryption requests are answered by pgmoat itself: they do not reach the server, and the server's
// recorded answer is compared, not given. After an 'S' the rest is TLS and cannot be followed.
void Script::greet() {
  while (true) {
    const Frame packet = next_first_packet(client_);
    if (packet.bytes.empty()) {
      if (client_.empty() && turns.empty()) kind = Kind::no_client;
      return;
    }
    const std::uint32_t code = word_at(packet.bytes, 4);
    if (code != kSsl && code != kGss) {
      say(packet.bytes);
      if (code == kCancel) {
        kind = Kind::cancel;
        monitor.to_server.clear();
        enforce.to_server.clear();
      } else {
        serve();
        login_turns = turns.size();
      }
      return;
    }
    turns.push_back({Side::client, packet.bytes});
    turns.push_back({Side::server, {}});  // the client waits for the answer
    monitor.turns = enforce.turns = turns.size();
    if (server_.starts_with('S')) kind = Kind::tls;
    if (!server_.starts_with('N')) return;
    monitor.to_client += 'N';
    enforce.to_client += 'N';
    server_.remove_prefix(1);
  }
}

void Script::converse() {
  while (!left_) {
    const Frame frame = next_frame(client_);
    if (frame.bytes.empty()) return;
    request(frame);
  }
}

// The server speaks until nothing is owed, or until it waits itself: for COPY data or a password.
void Script::serve() {
  while (waiting_login_ || !owed_.empty()) {
    const Frame frame = next_frame(server_);
    if (frame.bytes.empty()) {
      starved_ = true;
      return;
    }
    if (waiting_login_) {
      hear_login(frame);
      if (frame.tag == 'E') return;
      if (frame.tag != 'R') continue;
      const std::uint32_t asked = word_at(frame.bytes, 5);
      if (asked == 0 || asked == 12) continue;  // AuthenticationOk, SASLFinal
      const Frame answer = next_frame(client_);
      if (answer.bytes.empty()) return;
      say(answer.bytes);
    } else {
      hear(frame);
      if (frame.tag == 'G' || frame.tag == 'W') return;
    }
  }
}

void Script::hear_login(const Frame& frame) {
  turns.push_back({Side::server, frame.bytes});
  monitor.turns = enforce.turns = turns.size();
  monitor.to_client += frame.bytes;
  if (frame.tag == 'K') {
    enforce.to_client.append(frame.bytes.substr(0, 9)).append(key_, 0, frame.bytes.size() - 9);
    note("BackendKeyData");
  } else {
    enforce.to_client += frame.bytes;
  }
  if (frame.tag == 'Z') {
    logged_in = true;
    waiting_login_ = false;
  }
}

void Script::hear(const Frame& frame) {
  turns.push_back({Side::server, frame.bytes});
  monitor.turns = turns.size();
  monitor.to_client += frame.bytes;
  if (!starved_) {
    enforce.turns = turns.size();
    enforce.to_client += frame.bytes;
  }
  const char head = owed_.empty() ? '\0' : owed_.front();
  const bool simple = head == 'Q' || head == 'F' || head == 'S';
  bool answers = false;
  switch (frame.tag) {
    case '1': answers = head == 'P'; break;
    case '2': answers = head == 'B'; break;
    case '3': answers = head == 'C'; break;
    case 'n':
    case 'T': answers = head == 'D' || head == 'd'; break;
    case 'C':
    case 'I':
    case 's': answers = head == 'E'; break;
    case 'Z': answers = simple; break;
    case 'W': copy_both = true; [[fallthrough]];
    case 'G': copy_in_ = true; break;
    case 'E':
      copy_in_ = false;
      if (simple) break;
      while (!owed_.empty() && owed_.front() != 'S') owed_.pop_front();
      skipping_ = owed_.empty();
      break;
    default: break;
  }
  if (answers) owed_.pop_front();
}

// In COPY IN: true where the frame belongs to it.
bool Script::in_copy(const Frame& frame) {
  switch (frame.tag) {
    case 'd':
      say(frame.bytes);
      if (errors_ == Errors::early && server_.starts_with('E')) serve();
      return true;
    case 'S':
    case 'H':
      note(frame.tag == 'S' ? "Sync swallowed" : "Flush swallowed");
      say(frame.bytes, false);
      return true;
    case 'c':
    case 'f':
      copy_in_ = false;
      say(frame.bytes);
      serve();
      return true;
    default: copy_in_ = false; return false;
  }
}

void Script::learn(const Frame& frame) {
  if (frame.tag != 'P' && frame.tag != 'B') return;
  const std::string_view body = frame.body();
  const std::string first(text_at(body, 0));
  const std::string_view second = text_at(body, first.size() + 1);
  if (frame.tag == 'P') {
    statements_[first] = mentions_copy(second);
    return;
  }
  const auto statement = statements_.find(second);
  portals_[first] = statement != statements_.end() && statement->second;
}

bool Script::may_copy(const Frame& execute) const {
  const auto portal = portals_.find(text_at(execute.body(), 0));
  return portal != portals_.end() && portal->second;
}

void Script::request(const Frame& frame) {
  if (frame.tag == 'X') {
    left_ = true;
    return say(frame.bytes);
  }
  if (skipping_ && frame.tag != 'S') {
    note("discarded before Sync");
    return say(frame.bytes, false);
  }
  skipping_ = false;
  if (copy_in_ && in_copy(frame)) return;
  const bool late = frame.tag == 'd' || frame.tag == 'c' || frame.tag == 'f';
  if (late) note("COPY data behind its error");
  say(frame.bytes, !late);
  if (late) return;
  learn(frame);
  if (frame.tag != 'H') {
    owed_.push_back(frame.tag == 'D' && frame.body()[0] == 'S' ? 'd' : frame.tag);
  }
  const bool copies = frame.tag == 'E' && may_copy(frame);
  if (copies && !starved_) {
    note("Flush added");
    enforce.to_server.append("H\0\0\0\4", 5);
  }
  // With that Flush the server answers at once, and enforce mode holds the client until it does.
  if (copies || std::string_view("QFSH").find(frame.tag) != std::string_view::npos) serve();
}

}  // namespace pgmoat::test
