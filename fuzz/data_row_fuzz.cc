// The streaming check of DataRow must say what the decoder says, however the row is cut.
#include "roundtrip.h"
#include "wire/backend.h"
#include "wire/data_row_check.h"

using namespace pgmoat;
using namespace pgmoat::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = std::size_t{data[0]} + 1;
  const fuzz::Copy copy({data + 1, size - 1});
  const Bytes body = copy.bytes();
  DataRowCheck check;
  check.begin(static_cast<std::uint32_t>(body.size()));
  bool legal = true;
  for (std::size_t at = 0; at < body.size() && legal; at += step) {
    legal = check.feed(body.subspan(at, std::min(step, body.size() - at)));
  }
  PGMOAT_CHECK((legal && check.complete()) == static_cast<bool>(decode_data_row(body)));
  return 0;
}
