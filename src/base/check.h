// PGMOAT_CHECK: a bug ends the process, in release too. The network causes a Result, never a
// check: a condition that a peer's bytes can make false does not belong here.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PGMOAT_CHECK(condition)                                                         \
  do {                                                                                  \
    if (!(condition)) [[unlikely]] {                                                    \
      std::fprintf(stderr, "pgmoat: bug: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                     \
    }                                                                                   \
  } while (false)
