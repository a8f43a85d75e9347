// Overload{...} makes one visitor out of lambdas, for std::visit over our sum types.
#pragma once

namespace pgmoat {

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overload(Fs...) -> Overload<Fs...>;

}  // namespace pgmoat
