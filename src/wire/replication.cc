#include "wire/replication.h"

#include "wire/writer.h"

namespace pgmoat::wire {

namespace {

std::uint64_t u64(Reader& in) {
  const std::uint64_t high = in.u32();
  return high << 32 | in.u32();
}

void put(Writer& out, std::uint64_t value) {
  out.u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

void expect(Reader& in, char kind) {
  in.require(in.u8() == static_cast<std::uint8_t>(kind), "another kind of replication message");
}

}  // namespace

Decoded<XLogData> decode_xlog_data(Bytes data) {
  Reader in(data);
  expect(in, 'w');
  XLogData message;
  message.start = u64(in);
  message.end = u64(in);
  message.clock = u64(in);
  message.data = in.rest();
  return in.finish(message);
}

Decoded<PrimaryKeepalive> decode_primary_keepalive(Bytes data) {
  Reader in(data);
  expect(in, 'k');
  PrimaryKeepalive message;
  message.end = u64(in);
  message.clock = u64(in);
  message.reply_requested = in.u8();
  return in.finish(message);
}

Decoded<StandbyStatus> decode_standby_status(Bytes data) {
  Reader in(data);
  expect(in, 'r');
  StandbyStatus message;
  message.written = u64(in);
  message.flushed = u64(in);
  message.applied = u64(in);
  message.clock = u64(in);
  message.reply_requested = in.u8();
  return in.finish(message);
}

Decoded<HotStandbyFeedback> decode_hot_standby_feedback(Bytes data) {
  Reader in(data);
  expect(in, 'h');
  HotStandbyFeedback message;
  message.clock = u64(in);
  message.xmin = in.u32();
  message.xmin_epoch = in.u32();
  message.catalog_xmin = in.u32();
  message.catalog_xmin_epoch = in.u32();
  return in.finish(message);
}

void encode(const XLogData& message, std::string& out) {
  Writer writer(out, 'd');
  writer.u8('w');
  put(writer, message.start);
  put(writer, message.end);
  put(writer, message.clock);
  writer.bytes(message.data);
}

void encode(const PrimaryKeepalive& message, std::string& out) {
  Writer writer(out, 'd');
  writer.u8('k');
  put(writer, message.end);
  put(writer, message.clock);
  writer.u8(message.reply_requested);
}

void encode(const StandbyStatus& message, std::string& out) {
  Writer writer(out, 'd');
  writer.u8('r');
  put(writer, message.written);
  put(writer, message.flushed);
  put(writer, message.applied);
  put(writer, message.clock);
  writer.u8(message.reply_requested);
}

void encode(const HotStandbyFeedback& message, std::string& out) {
  Writer writer(out, 'd');
  writer.u8('h');
  put(writer, message.clock);
  writer.u32(message.xmin).u32(message.xmin_epoch);
  writer.u32(message.catalog_xmin).u32(message.catalog_xmin_epoch);
}

}  // namespace pgmoat::wire
