// Any bytes, cut in two ways: the same frames, the same fault, and no byte gained or lost. Memory
// follows what has arrived, never what a header declares.
#include <vector>

#include "roundtrip.h"
#include "wire/catalogue.h"
#include "wire/frame_buffer.h"

using namespace pgmoat;
using namespace pgmoat::wire;

namespace {

struct Seen {
  std::string bytes;                // of all pieces, in order
  std::vector<std::size_t> frames;  // where each begins in them
  std::optional<Fault::Kind> fault;
  bool operator==(const Seen&) const = default;
};

Seen run(Bytes input, std::size_t step, const HeaderRules& rules, bool pass_oversize) {
  BufferPool pool;
  FrameBuffer in(pool);
  Seen seen;
  while (!input.empty() && !seen.fault) {
    const Bytes part = input.first(std::min(step, input.size()));
    in.append(part);
    input = input.subspan(part.size());
    while (true) {
      const Piece piece = in.next(rules);
      if (piece.kind == Piece::Kind::starved) break;
      if (piece.kind == Piece::Kind::fault) {
        if (pass_oversize && in.fault()->kind == Fault::Kind::oversize) {
          in.pass_oversize();
          continue;
        }
        seen.fault = in.fault()->kind;
        break;
      }
      if (piece.kind != Piece::Kind::tail) seen.frames.push_back(seen.bytes.size());
      seen.bytes += as_text(piece.bytes);
      PGMOAT_CHECK(piece.kind != Piece::Kind::whole || piece.last);
    }
    PGMOAT_CHECK(pool.borrowed_bytes() <=
                 4 * (seen.bytes.size() + in.pending().size() + BufferPool::kLarge));
    in.recycle();
  }
  if (!seen.fault) seen.bytes += as_text(in.pending());
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Side side = data[0] & 1 ? Side::client : Side::server;
  const Stage stage = data[0] & 2 ? Stage::authentication : Stage::ready;
  FrameLimits limits;
  limits.query = limits.bind = 64;
  limits.gather_copy_data = (data[0] & 4) != 0;
  const bool pass = (data[0] & 8) != 0;
  const HeaderRules rules = header_rules(side, stage, limits);
  const Bytes input{data + 2, size - 2};
  const Seen whole = run(input, input.size() + 1, rules, pass);
  const Seen cut = run(input, std::size_t{data[1] % 16u} + 1, rules, pass);
  PGMOAT_CHECK(whole.frames == cut.frames && whole.fault == cut.fault);
  PGMOAT_CHECK(whole.bytes == cut.bytes);
  PGMOAT_CHECK(as_text(input).substr(0, whole.bytes.size()) == whole.bytes);
  PGMOAT_CHECK(whole.fault || whole.bytes.size() == input.size());
  return 0;
}
