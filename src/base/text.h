// Words for messages: formatted errors, lists, near matches.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ropeway/error.h"

namespace ropeway {

// Throws Error{code, formatted message}.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

// Throws Error{internal} unless a promise of our own code holds.
template <class... Args>
void ensure(bool promise, fmt::format_string<Args...> format, Args&&... args) {
  if (!promise) fail(ErrorCode::internal, format, std::forward<Args>(args)...);
}

// "a, b and c".
std::string listed(std::span<const std::string> words);

// The candidate that `word` was most likely meant to be, or "" when none is near (edit distance above a third of its length).
std::string nearest(std::string_view word, std::span<const std::string> candidates);

std::vector<std::string> split(std::string_view text, char separator);

// "1.5 MB": decimal units, as file managers show.
std::string readable_bytes(double bytes);

}  // namespace ropeway
