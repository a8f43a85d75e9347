// What the wire floor alone costs, without sockets: finding frames, decoding the message of a
// prepared statement's every execution, looking inside rows. The traffic is what is common, not
// what is flattering: small rows, short parameters. They are worth reading beside what one system
// call costs on the same machine: below that, a decoder is not what a session waits for.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "wire/buffer_pool.h"
#include "wire/catalogue.h"
#include "wire/data_row_check.h"
#include "wire/frame_buffer.h"
#include "wire/frontend.h"
#include "wire/side.h"
#include "wire/writer.h"

namespace pgmoat::wire {
namespace {

constexpr std::size_t kBatch = 16 * 1024;

// A DataRow of an integer, a short text and a NULL, with `extra` bytes more in the text.
std::string data_row(std::size_t extra) {
  const std::string text = "abalance" + std::string(extra, 'x');
  std::string out;
  {
    Writer row(out, 'D');
    row.u16(3);
    row.u32(6).text("-12345");
    row.u32(static_cast<std::uint32_t>(text.size())).text(text);
    row.u32(0xffffffff);
  }
  return out;
}

std::string repeated(const std::string& frame) {
  std::string out;
  while (out.size() + frame.size() <= kBatch) out += frame;
  return out;
}

void count_bytes(benchmark::State& state, const std::string& batch, std::size_t frame) {
  const auto runs = static_cast<std::int64_t>(state.iterations());
  state.SetBytesProcessed(runs * static_cast<std::int64_t>(batch.size()));
  state.SetItemsProcessed(runs * static_cast<std::int64_t>(batch.size() / frame));
}

// One read's worth of whole rows, from room() to starved. The copy into the buffer stands for the
// kernel's and is part of the figure.
void frame_scan(benchmark::State& state) {
  const std::string row = data_row(static_cast<std::size_t>(state.range(0)));
  const std::string batch = repeated(row);
  const HeaderRules rules = header_rules(Side::server, Stage::ready, {});
  BufferPool pool;
  FrameBuffer buffer(pool);
  for (auto _ : state) {
    std::memcpy(buffer.room().data(), batch.data(), batch.size());
    buffer.filled(batch.size());
    Piece piece = buffer.next(rules);
    for (; piece.kind != Piece::Kind::starved; piece = buffer.next(rules)) {
      if (piece.kind == Piece::Kind::fault) state.SkipWithError("the batch is not legal");
      if (piece.kind == Piece::Kind::fault) break;
      benchmark::DoNotOptimize(piece);
    }
    buffer.recycle();
  }
  count_bytes(state, batch, row.size());
}
BENCHMARK(frame_scan)->Arg(0)->Arg(100)->Arg(1000);

// The inside of the same rows, checked.
void data_row_check(benchmark::State& state) {
  const std::string row = data_row(static_cast<std::size_t>(state.range(0)));
  const std::string batch = repeated(row);
  const auto body_size = static_cast<std::uint32_t>(row.size() - 5);
  DataRowCheck check;
  for (auto _ : state) {
    bool sound = true;
    for (std::size_t at = 0; at < batch.size(); at += row.size()) {
      check.begin(body_size);
      sound = check.feed(as_bytes(batch).subspan(at + 5, body_size)) && sound;
    }
    if (!sound || !check.complete()) state.SkipWithError("the row is not sound");
    benchmark::DoNotOptimize(sound);
  }
  count_bytes(state, batch, row.size());
}
BENCHMARK(data_row_check)->Arg(0)->Arg(100)->Arg(1000);

std::string bind_frame(unsigned params) {
  std::string out;
  {
    Writer bind(out, 'B');
    bind.cstring("").cstring("P_1");
    bind.u16(0);
    bind.u16(static_cast<std::uint16_t>(params));
    for (unsigned i = 0; i < params; ++i) bind.u32(6).text("123456");
    bind.u16(0);
  }
  return out;
}

void bind(benchmark::State& state) {
  const std::string frame = bind_frame(static_cast<unsigned>(state.range(0)));
  const Bytes body = as_bytes(frame).subspan(5);
  for (auto _ : state) {
    const auto decoded = decode_bind(body);
    if (!decoded) state.SkipWithError("decode_bind refused");
    benchmark::DoNotOptimize(decoded);
  }
  count_bytes(state, frame, frame.size());
}
BENCHMARK(bind)->Arg(1)->Arg(10)->Arg(1000);

void query(benchmark::State& state) {
  std::string frame;
  { Writer(frame, 'Q').cstring("SELECT abalance FROM pgbench_accounts WHERE aid = 123456;"); }
  const Bytes body = as_bytes(frame).subspan(5);
  for (auto _ : state) {
    const auto decoded = decode_query(body);
    if (!decoded) state.SkipWithError("decode_query refused");
    benchmark::DoNotOptimize(decoded);
  }
  count_bytes(state, frame, frame.size());
}
BENCHMARK(query);

void parse(benchmark::State& state) {
  std::string frame;
  {
    Writer(frame, 'P')
        .cstring("P_1")
        .cstring("SELECT abalance FROM pgbench_accounts WHERE aid = $1;")
        .u16(0);
  }
  const Bytes body = as_bytes(frame).subspan(5);
  for (auto _ : state) {
    const auto decoded = decode_parse(body);
    if (!decoded) state.SkipWithError("decode_parse refused");
    benchmark::DoNotOptimize(decoded);
  }
  count_bytes(state, frame, frame.size());
}
BENCHMARK(parse);

}  // namespace
}  // namespace pgmoat::wire

BENCHMARK_MAIN();
