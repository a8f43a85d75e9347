// The dump of any bytes: one line, no crash, and no secret in it.
#include "roundtrip.h"
#include "wire/dump.h"

using namespace pgmoat;
using namespace pgmoat::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Copy copy({data, size});
  for (const DumpStyle style : {DumpStyle::full, DumpStyle::comparable}) {
    for (const Side side : {Side::client, Side::server}) {
      std::string out;
      dump(side, copy.bytes(), style, out);
      PGMOAT_CHECK(!out.empty() && out.back() == '\n');
    }
    std::string out;
    dump_first_packet(copy.bytes(), style, out);
    PGMOAT_CHECK(!out.empty() && out.back() == '\n');
  }
  return 0;
}
