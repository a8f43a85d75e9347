// The seeds of the decoders are what their names say: `broken-...` is refused, every other one is
// accepted. A decoder that becomes laxer or stricter is noticed here, by the name of the input.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "wire/backend.h"
#include "wire/frontend.h"

namespace pgmoat::wire {
namespace {

using Accepts = bool (*)(Bytes);
template <auto decode>
bool accepts(Bytes body) {
  return static_cast<bool>(decode(body));
}
template <char tag>
bool accepts_copy(Bytes body) {
  return static_cast<bool>(decode_copy_response(tag, body));
}
template <char tag>
bool accepts_report(Bytes body) {
  return static_cast<bool>(decode_report(tag, body));
}

// In the order of the fuzz targets' switches: the first byte of a seed picks.
constexpr Accepts kFrontend[] = {accepts<decode_query>,
                                 accepts<decode_parse>,
                                 accepts<decode_bind>,
                                 accepts<decode_describe>,
                                 accepts<decode_close>,
                                 accepts<decode_execute>,
                                 accepts<decode_flush>,
                                 accepts<decode_sync>,
                                 accepts<decode_terminate>,
                                 accepts<decode_function_call>,
                                 accepts<decode_copy_data>,
                                 accepts<decode_copy_done>,
                                 accepts<decode_copy_fail>,
                                 accepts<decode_password>,
                                 accepts<decode_sasl_initial_response>,
                                 accepts<decode_sasl_response>,
                                 accepts<decode_gss_response>};
constexpr Accepts kBackend[] = {accepts<decode_authentication>,
                                accepts<decode_backend_key_data>,
                                accepts<decode_parameter_status>,
                                accepts<decode_negotiate_protocol_version>,
                                accepts<decode_ready_for_query>,
                                accepts<decode_parse_complete>,
                                accepts<decode_bind_complete>,
                                accepts<decode_close_complete>,
                                accepts<decode_no_data>,
                                accepts<decode_portal_suspended>,
                                accepts<decode_empty_query_response>,
                                accepts<decode_row_description>,
                                accepts<decode_parameter_description>,
                                accepts<decode_data_row>,
                                accepts<decode_command_complete>,
                                accepts<decode_function_call_response>,
                                accepts_copy<'G'>,
                                accepts_copy<'H'>,
                                accepts_copy<'W'>,
                                accepts<decode_notification_response>,
                                accepts_report<'E'>,
                                accepts_report<'N'>};

void expect_as_named(const char* target, std::span<const Accepts> decoders) {
  std::size_t count = 0;
  const std::filesystem::path folder = std::filesystem::path(PGMOAT_CORPUS) / "wire" / target;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string seed{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(seed.empty()) << entry.path();
    const auto which = static_cast<std::uint8_t>(seed[0]);
    ASSERT_LT(which, decoders.size()) << entry.path();
    const bool broken = entry.path().filename().string().starts_with("broken-");
    EXPECT_NE(decoders[which](as_bytes(seed).subspan(1)), broken) << entry.path().filename();
    ++count;
  }
  EXPECT_GE(count, 2 * decoders.size());
}

TEST(Seeds, OfClientMessagesAreWhatTheirNamesSay) { expect_as_named("frontend", kFrontend); }
TEST(Seeds, OfServerMessagesAreWhatTheirNamesSay) { expect_as_named("backend", kBackend); }

}  // namespace
}  // namespace pgmoat::wire
