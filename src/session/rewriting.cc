#include "session/rewriting.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "session/refusal.h"
#include "wire/backend.h"

namespace pgmoat::session {

namespace {

using policy::Ruling;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

// Read alike whatever standard_conforming_strings is.
void append_literal(std::string_view value, std::string& to) {
  if (value.find('\\') != std::string_view::npos) to += 'E';
  to += '\'';
  for (const char c : value) {
    if (c == '\'' || c == '\\') to += c;
    to += c;
  }
  to += '\'';
}

std::string preamble_of(const Ruling& ruling) {
  if (ruling.rewrite.settings.empty()) return {};
  return set_config_text(ruling.rewrite.settings, true) + "; ";
}

bool takes_settings(const Ruling& ruling) {
  if (ruling.analysis == nullptr || ruling.analysis->opacity() != sql::Opacity::none ||
      ruling.analysis->statements().size() != 1) {
    return false;
  }
  switch (ruling.analysis->statements()[0].kind) {
    case sql::Kind::select:
    case sql::Kind::insert:
    case sql::Kind::update:
    case sql::Kind::delete_:
    case sql::Kind::merge: return true;
    default: return false;
  }
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// 1-based characters to a byte offset, and back.
std::size_t bytes_before(std::string_view text, std::size_t position, bool utf8) {
  if (!utf8) return std::min(position - 1, text.size());
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    if (starts_character(text[at]) && ++seen == position) return at;
  }
  return at;
}
std::size_t position_of(std::string_view text, std::size_t offset, bool utf8) {
  offset = std::min(offset, text.size());
  if (!utf8) return offset + 1;
  return static_cast<std::size_t>(std::count_if(
             text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), starts_character)) +
         1;
}

// 0: it lies in what we put there.
std::size_t clients_position(const Ruling& ruling, std::size_t position, std::size_t preamble,
                             bool utf8) {
  if (position <= preamble) return 0;
  const sql::Rewritten& rewrite = ruling.rewrite;
  const std::size_t offset = bytes_before(rewrite.sql, position - preamble, utf8);
  const std::uint32_t original =
      sql::original_position(rewrite.patches, static_cast<std::uint32_t>(offset));
  if (ruling.analysis == nullptr) return original + std::size_t{1};
  return position_of(ruling.analysis->text(), original, utf8);
}

void release_ours(Ready& ready, Entry::Kind kind) {
  Entry entry;
  entry.kind = kind;
  entry.injected = true;
  ready.ledger.owe(std::move(entry));
}

}  // namespace

std::string set_config_text(const SettingList& settings, bool local) {
  std::string text = "SELECT ";
  for (const auto& [name, value] : settings) {
    if (text.size() > 7) text += ", ";
    text += "pg_catalog.set_config(";
    append_literal(name, text);
    text += ", ";
    append_literal(value, text);
    text += local ? ", true)" : ", false)";
  }
  return text;
}

std::optional<policy::Refusal> cannot_rewrite(const Scene& scene, const Ruling& ruling) {
  if (ruling.rewrite.settings.empty()) return std::nullopt;
  const bool utf8 = scene.settings.dialect().encoding == sql::Encoding::utf8;
  const bool readable = std::all_of(
      ruling.rewrite.settings.begin(), ruling.rewrite.settings.end(),
      [&](const auto& each) { return utf8 || (is_ascii(each.first) && is_ascii(each.second)); });
  if (takes_settings(ruling) && readable) return std::nullopt;
  policy::Refusal refusal;
  refusal.rule = ruling.findings.empty() ? "rewrite" : ruling.findings.front().rule;
  refusal.message = "statement refused by pgmoat: settings cannot be applied to it";
  refusal.detail = readable ? "Settings are applied to a single SELECT, INSERT, UPDATE, DELETE or "
                              "MERGE only."
                            : "A setting's value cannot be written in this client_encoding.";
  return refusal;
}

void send_rewritten_query(Ready& ready, Scene& scene, Entry entry) {
  const std::string preamble = preamble_of(*entry.judged);
  const std::string text = preamble + entry.judged->rewrite.sql;
  entry.preamble = !preamble.empty();
  ready.ledger.owe(std::move(entry));
  scene.out->to_server.say([&](std::string& to) { wire::encode(wire::Query{text}, to); });
}

void send_rewritten_parse(Ready& ready, Scene& scene, const wire::Parse& parse, Entry entry) {
  wire::Parse changed = parse;
  changed.sql = entry.judged->rewrite.sql;
  scene.out->to_server.say([&](std::string& to) { wire::encode(changed, to); });
  ready.ledger.owe(std::move(entry));
}

void apply_settings(Ready& ready, Scene& scene, const policy::Judged& judged) {
  if (!scene.enforcing() || judged == nullptr || judged->rewrite.settings.empty()) return;
  if (ready.applied == judged) return;
  ready.applied = judged;
  const std::string text = set_config_text(judged->rewrite.settings, true);
  wire::Bind bind;
  bind.portal = bind.statement = kReservedName;
  scene.out->to_server.say([&](std::string& to) {
    wire::encode(wire::Parse{kReservedName, text, {}}, to);
    wire::encode(bind, to);
    wire::encode(wire::Execute{kReservedName, 0}, to);
    wire::encode(wire::Close{wire::Target::portal, kReservedName}, to);
    wire::encode(wire::Close{wire::Target::statement, kReservedName}, to);
  });
  for (const Entry::Kind kind : {Entry::Kind::parse, Entry::Kind::bind, Entry::Kind::execute,
                                 Entry::Kind::close_portal, Entry::Kind::close_statement}) {
    release_ours(ready, kind);
  }
}

bool restate(Ready& ready, Scene& scene, const wire::Report& report) {
  if (ready.ledger.empty() || !scene.enforcing()) return false;
  const Entry& head = ready.ledger.head();
  const bool rewritten =
      head.judged != nullptr && head.judged->action == Ruling::Action::rewrite && !head.denied;
  if (!rewritten && !head.injected) return false;
  std::string fields;
  bool changed = false;
  for (std::string_view left = as_text(report.all); !left.empty();) {
    const std::size_t end = left.find('\0');
    const std::string_view field = left.substr(0, end);
    left.remove_prefix(end + 1);
    std::size_t position = 0;
    const bool is_position =
        field[0] == 'P' &&
        std::from_chars(field.data() + 1, field.data() + field.size(), position).ec == std::errc{};
    if (!is_position) {
      fields.append(field).push_back('\0');
      continue;
    }
    changed = true;
    if (head.injected) continue;
    const std::string before =
        head.kind == Entry::Kind::query ? preamble_of(*head.judged) : std::string();
    const bool utf8 = scene.settings.counts_utf8();
    position = clients_position(*head.judged, position,
                                position_of(before, before.size(), utf8) - 1, utf8);
    if (position != 0) (fields += 'P').append(std::to_string(position)).push_back('\0');
  }
  if (!changed) return false;
  scene.out->to_client.say([&](std::string& to) {
    wire::encode(wire::Report{report.tag, as_bytes(fields), {}, {}, {}}, to);
  });
  return true;
}

bool is_swallowed(Ready& ready, char tag) {
  if (ready.ledger.empty() || tag == 'E' || tag == 'N' || tag == 'S' || tag == 'A') return false;
  const Entry& head = ready.ledger.head();
  return head.injected || (head.preamble && (tag == 'T' || tag == 'D' || tag == 'C'));
}

}  // namespace pgmoat::session
