// The walsender stream inside CopyData of CopyBoth: XLogData, keepalives, standby status. Only
// replication sessions carry it. Source: PostgreSQL manual, "Streaming Replication Protocol".
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "wire/reader.h"

namespace pgmoat::wire {

struct XLogData {
  std::uint64_t start = 0, end = 0, clock = 0;
  Bytes data;
};  // server 'w'
struct PrimaryKeepalive {
  std::uint64_t end = 0, clock = 0;
  std::uint8_t reply_requested = 0;
};                      // server 'k'
struct StandbyStatus {  // client 'r'
  std::uint64_t written = 0, flushed = 0, applied = 0, clock = 0;
  std::uint8_t reply_requested = 0;
};
struct HotStandbyFeedback {  // client 'h'
  std::uint64_t clock = 0;
  std::uint32_t xmin = 0, xmin_epoch = 0, catalog_xmin = 0, catalog_xmin_epoch = 0;
};

// `data` is what CopyData carries, its first byte the kind.
Decoded<XLogData> decode_xlog_data(Bytes data);
Decoded<PrimaryKeepalive> decode_primary_keepalive(Bytes data);
Decoded<StandbyStatus> decode_standby_status(Bytes data);
Decoded<HotStandbyFeedback> decode_hot_standby_feedback(Bytes data);

// Append the CopyData frame around the message.
void encode(const XLogData&, std::string& out);
void encode(const PrimaryKeepalive&, std::string& out);
void encode(const StandbyStatus&, std::string& out);
void encode(const HotStandbyFeedback&, std::string& out);

}  // namespace pgmoat::wire
