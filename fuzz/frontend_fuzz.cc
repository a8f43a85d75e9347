// Every client message: the first byte picks the decoder, the rest is the body.
#include "roundtrip.h"
#include "wire/dump.h"
#include "wire/frontend.h"

using namespace pgmoat;
using namespace pgmoat::wire;

namespace {

void decode_any(std::uint8_t which, Bytes body) {
  switch (which % 17) {
    case 0: return fuzz::expect_same(decode_query(body), body, 5);
    case 1: return fuzz::expect_same(decode_parse(body), body, 5);
    case 2: return fuzz::expect_same(decode_bind(body), body, 5);
    case 3: return fuzz::expect_same(decode_describe(body), body, 5);
    case 4: return fuzz::expect_same(decode_close(body), body, 5);
    case 5: return fuzz::expect_same(decode_execute(body), body, 5);
    case 6: return fuzz::expect_same(decode_flush(body), body, 5);
    case 7: return fuzz::expect_same(decode_sync(body), body, 5);
    case 8: return fuzz::expect_same(decode_terminate(body), body, 5);
    case 9: return fuzz::expect_same(decode_function_call(body), body, 5);
    case 10: return fuzz::expect_same(decode_copy_data(body), body, 5);
    case 11: return fuzz::expect_same(decode_copy_done(body), body, 5);
    case 12: return fuzz::expect_same(decode_copy_fail(body), body, 5);
    case 13: return fuzz::expect_same(decode_password(body), body, 5);
    case 14: return fuzz::expect_same(decode_sasl_initial_response(body), body, 5);
    case 15: return fuzz::expect_same(decode_sasl_response(body), body, 5);
    default: return fuzz::expect_same(decode_gss_response(body), body, 5);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Copy body({data + 1, size - 1});
  decode_any(data[0], body.bytes());
  return 0;
}
