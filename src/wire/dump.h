// One line a message in libpq's PQtrace vocabulary (without timestamps, as PQTRACE_SUPPRESS_TIMESTAMPS
// prints it): direction, length, name, fields. For people, `--trace`-like tools and golden tests.
#pragma once

#include <string>

#include "base/bytes.h"
#include "wire/side.h"

namespace pgmoat::wire {

// `frame` is one whole tagged frame. Ends without a newline. Bytes that are not printable ASCII
// come out as \xHH, like libpq's; passwords and SASL data are never printed ("p" bodies: "...").
std::string dump(Side sender, Bytes frame);

}  // namespace pgmoat::wire
