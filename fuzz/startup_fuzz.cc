// First packets, and the `options` parameter inside them.
#include "roundtrip.h"
#include "wire/startup.h"

using namespace pgmoat;
using namespace pgmoat::wire;

namespace {

void expect_same_packet(const FirstPacket& first, Bytes packet) {
  std::string out;
  std::visit([&](const auto& message) { encode(message, out); }, first);
  PGMOAT_CHECK(out == as_text(packet));
}

void read_parameters(const StartupMessage& startup) {
  if (startup.version >> 16 != 3) return;
  std::size_t size = 0;
  for (const Parameter& parameter : parameters_of(startup)) {
    PGMOAT_CHECK(!parameter.name.empty());
    size += parameter.name.size() + parameter.value.size() + 2;
  }
  PGMOAT_CHECK(size == startup.parameters.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Copy copy({data, size});
  const Bytes packet = copy.bytes();
  const auto declared = first_packet_size(packet);
  PGMOAT_CHECK(!declared || *declared <= kStartupLimit + 4);
  if (declared && *declared == size) {
    if (const auto first = decode_first_packet(packet)) {
      expect_same_packet(*first, packet);
      if (const auto* startup = std::get_if<StartupMessage>(&*first)) read_parameters(*startup);
    }
  }
  // Every body through every decoder, whatever its code word says.
  fuzz::expect_same(decode_ssl_request(packet), packet, 4);
  fuzz::expect_same(decode_gssenc_request(packet), packet, 4);
  fuzz::expect_same(decode_cancel_request(packet), packet, 4);
  fuzz::expect_same(decode_startup(packet), packet, 4);
  if (const auto options = parse_options(as_text(packet))) {
    for (const Option& option : *options) PGMOAT_CHECK(!option.name.empty());
  }
  return 0;
}
