// Whole sessions: any bytes from both sides in any order, with ends and timeouts.
//
// Monitoring: what the server gets is what the client said, and the reverse; only 'N' to an
// encryption request and a last FATAL are ours. Enforcing: how the client's bytes were cut into reads
// changes nothing, and every frame that reaches the server decodes.
#include "roundtrip.h"
#include "support/scripted_judge.h"
#include "support/tap.h"
#include "wire/catalogue.h"
#include "wire/frontend.h"
#include "wire/startup.h"

using namespace pgmoat;
using namespace pgmoat::wire;
using test::Tap;

namespace {

// The input: a byte of settings, then records {what, size, bytes}.
struct Script {
  explicit Script(Bytes from) : left(from) {}
  Bytes left;
  bool next(std::uint8_t& what, Bytes& bytes) {
    if (left.size() < 2) return false;
    what = left[0];
    std::size_t size = left[1];
    left = left.subspan(2);
    if ((what & 0x80) != 0 && !left.empty()) {
      size |= std::size_t{left[0]} << 8;
      left = left.subspan(1);
    }
    bytes = left.first(std::min(size, left.size()));
    left = left.subspan(bytes.size());
    return true;
  }
};

constexpr std::string_view kLogin("\0\0\0\x11\0\3\0\0user\0app\0\0", 18);
constexpr std::string_view kWelcome("R\0\0\0\x08\0\0\0\0Z\0\0\0\5I", 15);

// A judge that rewrites, sets and warns by letters that a fuzzer finds easily.
void rule_on(std::string_view sql, policy::Ruling& ruling) {
  if (sql.find('r') != std::string_view::npos) test::rewrite(ruling, "-- " + std::string(sql));
  if (sql.find('s') != std::string_view::npos) test::set_local(ruling, "a.b", "it's");
  if (sql.find('w') != std::string_view::npos) test::warn(ruling);
}

bool login(Tap& tap) {
  std::string packet(kLogin);
  packet[3] = static_cast<char>(packet.size());
  return tap.say(Side::client, packet) && tap.say(Side::server, kWelcome);
}

void play(Tap& tap, Bytes input, bool disturbed) {
  Script script(input);
  std::uint8_t what = 0;
  Bytes bytes;
  while (!tap.engine().closed() && script.next(what, bytes)) {
    switch (what & 7) {
      case 0:
      case 1:
      case 2: tap.say(Side::client, as_text(bytes)); break;
      case 3:
      case 4:
        if (tap.dialled) tap.say(Side::server, as_text(bytes));
        break;
      case 5:
        if (disturbed) tap.later(std::chrono::seconds(bytes.empty() ? 1 : bytes[0]));
        break;
      case 6:
        if (disturbed) tap.event(session::Eof{(what & 8) != 0 ? Side::client : Side::server});
        break;
      default:
        if (disturbed) tap.event(session::Leave{(what & 8) != 0});
        break;
    }
  }
}

// `out` is `in`, except that `in` may begin with as many encryption requests as we answered.
void expect_passed(std::string_view in, std::string_view out, std::size_t answered) {
  PGMOAT_CHECK(in.size() >= answered * 8);
  in.remove_prefix(answered * 8);
  PGMOAT_CHECK(in.substr(0, out.size()) == out);
}

void monitor(Bytes input, const session::Setup& setup, std::size_t chunk, bool logged_in,
             bool disturbed) {
  test::ScriptedJudge judge({"secrets"}, rule_on);
  Tap tap(setup, chunk, judge);
  if (logged_in && !login(tap)) return;
  play(tap, input, disturbed);
  expect_passed(tap.client_said, tap.server_told, tap.greeting_told);
  const std::string_view told =
      std::string_view(tap.client_told).substr(std::min(tap.greeting_told, tap.client_told.size()));
  if (!tap.engine().closed())
    PGMOAT_CHECK(std::string_view(tap.server_said).substr(0, told.size()) == told);
}

void expect_decoded(char tag, Bytes body) {
  switch (tag) {
    case 'Q': PGMOAT_CHECK(decode_query(body)); break;
    case 'P': PGMOAT_CHECK(decode_parse(body)); break;
    case 'B': PGMOAT_CHECK(decode_bind(body)); break;
    case 'D': PGMOAT_CHECK(decode_describe(body)); break;
    case 'E': PGMOAT_CHECK(decode_execute(body)); break;
    case 'C': PGMOAT_CHECK(decode_close(body)); break;
    case 'F': PGMOAT_CHECK(decode_function_call(body)); break;
    case 'f': PGMOAT_CHECK(decode_copy_fail(body)); break;
    default: PGMOAT_CHECK(message_name(Side::client, tag) != "unknown"); break;
  }
}

void expect_legal(std::string_view told, const HeaderRules& rules) {
  const auto size = first_packet_size(as_bytes(told));
  PGMOAT_CHECK(size && *size <= told.size());
  if (told.empty()) return;
  PGMOAT_CHECK(decode_first_packet(as_bytes(told).first(*size)));
  BufferPool pool;
  FrameBuffer frames(pool);
  frames.append(as_bytes(told.substr(*size)));
  HeaderRules either = rules;
  either['p'] = {HeaderRule::Carry::whole, 0, 65535, false};
  for (Piece piece = frames.next(either); piece.kind != Piece::Kind::starved;
       piece = frames.next(either)) {
    PGMOAT_CHECK(piece.kind != Piece::Kind::fault);
    if (piece.kind == Piece::Kind::whole) expect_decoded(piece.tag, piece.body());
  }
  PGMOAT_CHECK(frames.pending().empty());
}

// How the client's bytes are cut changes nothing. The server's are not cut here: what it says ahead of
// being asked may come before or after the request that explains it is let go.
void enforce(Bytes input, const session::Setup& setup, std::size_t chunk, bool logged_in,
             bool disturbed) {
  test::ScriptedJudge judge({"secrets"}, rule_on);
  Tap whole(setup, 0, judge), cut(setup, chunk, judge), both_cut(setup, chunk, judge);
  cut.read_server_whole();
  for (Tap* tap : {&whole, &cut, &both_cut}) {
    if (logged_in && !login(*tap)) return;
    play(*tap, input, disturbed);
    if (!tap->server_told.empty()) expect_legal(tap->server_told, setup.client_ready);
  }
  // Bytes behind an encryption request are an attack only when they are there before the answer.
  if (cut.greeting_told != 0 || disturbed) return;
  PGMOAT_CHECK(whole.server_told == cut.server_told);
  PGMOAT_CHECK(whole.client_told == cut.client_told);
}

session::Setup setup_for(session::Mode mode) {
  session::Setup setup = test::setup_of(mode);
  setup.frame_limits.query = setup.frame_limits.bind = 200;
  setup.limits.statements = setup.limits.portals = 4;
  setup.limits.pipeline = 32;
  setup.limits.segment_bytes = 4096;
  setup.prepare();
  return setup;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const session::Setup kMonitor = setup_for(session::Mode::monitor);
  static const session::Setup kEnforce = setup_for(session::Mode::enforce);
  if (size < 1) return 0;
  const std::size_t chunk = std::size_t{data[0] & 7u} + 1;
  const bool logged_in = (data[0] & 8) == 0;
  const bool disturbed = (data[0] & 16) != 0;
  const Bytes input{data + 1, size - 1};
  monitor(input, kMonitor, chunk, logged_in, disturbed);
  enforce(input, kEnforce, chunk, logged_in, disturbed);
  return 0;
}
