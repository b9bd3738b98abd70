// Text in columns of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ropeway {

// Columns that UTF-8 text takes up: two for wide East Asian characters and emoji, none for combining ones. A byte that is no UTF-8 takes one.
size_t display_width(std::string_view text);

// The text, cut to `width` columns with … at its end where it is longer.
std::string shortened(std::string_view text, size_t width);
// The same with … at its beginning: for paths, whose end says most.
std::string shortened_front(std::string_view text, size_t width);

// Filled up with spaces to `width` columns, on the right or on the left.
std::string left_aligned(std::string_view text, size_t width);
std::string right_aligned(std::string_view text, size_t width);

}  // namespace ropeway
