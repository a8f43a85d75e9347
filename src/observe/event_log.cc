#include "observe/event_log.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/overload.h"

namespace pgmoat::observe {

namespace {

using Json = rapidjson::Writer<rapidjson::StringBuffer>;

std::string rfc3339(std::int64_t unix_ms) {
  const time_t seconds = unix_ms / 1000;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return std::string(text, size) + fraction;
}

// Length of the character at the front of `text`, 0 where its bytes form none: overlong, surrogate
// or over U+10FFFF (Unicode's table of well-formed sequences).
std::size_t character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

// The peer's text is not always UTF-8; JSON always is: bytes that form no character become U+FFFD.
std::string utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character(text);
    out += size != 0 ? text.substr(0, size) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(size != 0 ? size : 1);
  }
  return out;
}

void put(Json& json, const char* key, std::string_view value) {
  const std::string text = utf8(value);
  json.Key(key);
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void put(Json& json, const char* key, std::uint64_t value) {
  json.Key(key);
  json.Uint64(value);
}
void put_flag(Json& json, const char* key, bool value) {
  json.Key(key);
  json.Bool(value);
}

const char* name_of(const session::Event& event) {
  static constexpr const char* kNames[] = {
      "session_opened", "client_proved", "auth_finished",    "statement_judged", "protocol_fault",
      "turned_opaque",  "finding",       "cancel_requested", "session_closed"};
  static_assert(std::size(kNames) == std::variant_size_v<session::Event>);
  return kNames[event.index()];
}

void put_fields(Json& json, const session::Event& event) {
  using namespace session;
  std::visit(Overload{
                 [&](const SessionOpened& e) {
                   put(json, "user", e.user);
                   put(json, "database", e.database);
                   put(json, "application", e.application);
                   put(json, "client", e.client);
                   if (!e.tls.empty()) put(json, "tls", e.tls);
                 },
                 [&](const ClientProved& e) { put(json, "method", e.method); },
                 [&](const AuthFinished& e) {
                   put_flag(json, "ok", e.ok);
                   put(json, "sqlstate", e.sqlstate);
                 },
                 [&](const StatementJudged& e) {
                   put(json, "message", e.message);
                   put(json, "rule", e.rule);
                   put(json, "sqlstate", e.sqlstate);
                   put(json, "reason", e.reason);
                   put(json, "effect", e.enforced ? "done" : "would");
                   put(json, "action", e.action);
                   if (!e.severity.empty()) put(json, "severity", e.severity);
                   if (!e.decision.empty()) put(json, "decision", e.decision);
                 },
                 [&](const ProtocolFault& e) {
                   put(json, "side", e.side == wire::Side::client ? "client" : "server");
                   put(json, "message", e.message);
                   put(json, "what", e.what);
                   put(json, "length", std::uint64_t{e.length});
                   put_flag(json, "passed", e.passed);
                 },
                 [&](const TurnedOpaque& e) { put(json, "why", e.why); },
                 [&](const Finding& e) { put(json, "what", e.what); },
                 [&](const CancelRequested& e) {
                   static constexpr const char* kResults[] = {"forwarded", "session_ended",
                                                              "other_node", "unknown_key",
                                                              "too_many_unknown"};
                   put(json, "client", e.client);
                   put(json, "result", kResults[static_cast<std::size_t>(e.result)]);
                   put_flag(json, "passed", e.passed);
                 },
                 [&](const SessionClosed& e) {
                   put(json, "why", e.why);
                   put(json, "statements", e.statements);
                   put(json, "client_bytes", e.client_bytes);
                   put(json, "server_bytes", e.server_bytes);
                 },
             },
             event);
}

std::string line(const char* event, std::int64_t unix_ms, const auto& fields) {
  rapidjson::StringBuffer buffer;
  Json json(buffer);
  json.StartObject();
  put(json, "time", rfc3339(unix_ms));
  put(json, "event", event);
  fields(json);
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string log_line(const char* level, std::string_view message, std::int64_t unix_ms) {
  return line("log", unix_ms, [&](Json& json) {
    put(json, "level", level);
    put(json, "message", message);
  });
}

}  // namespace

std::string to_json(std::uint64_t session_id, const session::Event& event, std::int64_t unix_ms) {
  return line(name_of(event), unix_ms, [&](Json& json) {
    put(json, "session", session_id);
    put_fields(json, event);
  });
}

struct EventLog::Impl {
  struct Item {
    std::uint64_t session = 0;
    session::Event event;
    std::int64_t unix_ms = 0;
    std::string said;  // a finished line, where not empty
  };

  int to = -1;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Item> queue;
  std::uint64_t dropped = 0;
  bool done = false;
  bool finished = false;

  void add(Item item) {
    {
      const std::lock_guard lock(mutex);
      if (queue.size() >= kQueueLimit) {
        ++dropped;
        return;
      }
      queue.push_back(std::move(item));
    }
    wake.notify_one();
  }
  void run();
  // Not by stdio, whose lock a write that nobody reads would hold while the process ends.
  void write(std::string text) const {
    text += '\n';
    for (std::string_view left = text; !left.empty();) {
      const ssize_t sent = ::write(to, left.data(), left.size());
      if (sent < 0 && errno != EINTR) return;  // nobody to tell
      if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
};

void EventLog::Impl::run() {
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [&] { return done || !queue.empty() || dropped != 0; });
    std::deque<Item> batch = std::exchange(queue, {});
    const std::uint64_t lost = std::exchange(dropped, 0);
    const bool last = done;
    lock.unlock();
    for (const Item& item : batch) {
      write(item.said.empty() ? to_json(item.session, item.event, item.unix_ms) : item.said);
    }
    if (lost != 0) {
      write(log_line("warning", std::to_string(lost) + " event lines were dropped", now_ms()));
    }
    lock.lock();
    if (!last || !queue.empty()) continue;
    finished = true;
    wake.notify_all();
    return;
  }
}

// The writer may be stuck in a write that nobody reads, so it owns what it needs and is not joined.
EventLog::EventLog(std::FILE* to) : impl_(std::make_shared<Impl>()) {
  impl_->to = ::fileno(to);
  std::thread([impl = impl_] { impl->run(); }).detach();
}

EventLog::~EventLog() {
  std::unique_lock lock(impl_->mutex);
  impl_->done = true;
  impl_->wake.notify_all();
  impl_->wake.wait_for(lock, kLastWords, [&] { return impl_->finished; });
}

void EventLog::add(std::uint64_t session_id, session::Event&& event) {
  impl_->add({session_id, std::move(event), now_ms(), {}});
}

void EventLog::say(const char* level, std::string message) {
  impl_->add({0, session::Finding{}, 0, log_line(level, message, now_ms())});
}

}  // namespace pgmoat::observe
