// Every server message: the first byte picks the decoder, the rest is the body.
#include "roundtrip.h"
#include "wire/backend.h"

using namespace pgmoat;
using namespace pgmoat::wire;

namespace {

void decode_any(std::uint8_t which, Bytes body) {
  switch (which % 23) {
    case 0: return fuzz::expect_same(decode_authentication(body), body, 5);
    case 1: return fuzz::expect_same(decode_backend_key_data(body), body, 5);
    case 2: return fuzz::expect_same(decode_parameter_status(body), body, 5);
    case 3: return fuzz::expect_same(decode_negotiate_protocol_version(body), body, 5);
    case 4: return fuzz::expect_same(decode_ready_for_query(body), body, 5);
    case 5: return fuzz::expect_same(decode_parse_complete(body), body, 5);
    case 6: return fuzz::expect_same(decode_bind_complete(body), body, 5);
    case 7: return fuzz::expect_same(decode_close_complete(body), body, 5);
    case 8: return fuzz::expect_same(decode_no_data(body), body, 5);
    case 9: return fuzz::expect_same(decode_portal_suspended(body), body, 5);
    case 10: return fuzz::expect_same(decode_empty_query_response(body), body, 5);
    case 11: return fuzz::expect_same(decode_row_description(body), body, 5);
    case 12: return fuzz::expect_same(decode_parameter_description(body), body, 5);
    case 13: return fuzz::expect_same(decode_data_row(body), body, 5);
    case 14: return fuzz::expect_same(decode_command_complete(body), body, 5);
    case 15: return fuzz::expect_same(decode_function_call_response(body), body, 5);
    case 16: return fuzz::expect_same(decode_copy_response('G', body), body, 5);
    case 17: return fuzz::expect_same(decode_copy_response('H', body), body, 5);
    case 18: return fuzz::expect_same(decode_copy_response('W', body), body, 5);
    case 19: return fuzz::expect_same(decode_notification_response(body), body, 5);
    case 20: return fuzz::expect_same(decode_report('E', body), body, 5);
    case 21: return fuzz::expect_same(decode_report('N', body), body, 5);
    default: return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Copy body({data + 1, size - 1});
  decode_any(data[0], body.bytes());
  return 0;
}
