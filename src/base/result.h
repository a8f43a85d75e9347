// A value or the reason there is none. Debian 12's compilers have no std::expected; this is the
// part of it that we use: construct from either, test, look. Looking at the wrong one is a bug.
#pragma once

#include <utility>
#include <variant>

#include "base/check.h"

namespace pgmoat {

template <class T, class E>
class Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}    // NOLINT: implicit on
  Result(E reason) : state_(std::in_place_index<1>, std::move(reason)) {}  // purpose, so `return x`

  explicit operator bool() const { return state_.index() == 0; }

  const T& operator*() const { return value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }

  const T& value() const {
    PGMOAT_CHECK(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }
  T& value() {
    PGMOAT_CHECK(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }
  const E& error() const {
    PGMOAT_CHECK(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace pgmoat
