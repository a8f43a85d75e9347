// The walsender stream inside CopyData.
#include "roundtrip.h"
#include "wire/replication.h"

using namespace pgmoat;
using namespace pgmoat::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Copy copy({data, size});
  const Bytes body = copy.bytes();
  fuzz::expect_same(decode_xlog_data(body), body, 5);
  fuzz::expect_same(decode_primary_keepalive(body), body, 5);
  fuzz::expect_same(decode_standby_status(body), body, 5);
  fuzz::expect_same(decode_hot_standby_feedback(body), body, 5);
  return 0;
}
