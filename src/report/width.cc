#include "report/width.h"

#include <cstdint>
#include <vector>

namespace ropeway {
namespace {

struct Character {
  std::string_view bytes;
  size_t width;
};

struct Range {
  uint32_t first, last;
};
// The blocks that matter in names; the full tables are Unicode's EastAsianWidth.txt and DerivedGeneralCategory.txt.
constexpr Range kWide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
constexpr Range kCombining[] = {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <size_t N>
bool within(uint32_t code, const Range (&ranges)[N]) {
  for (const Range& range : ranges) {
    if (range.first <= code && code <= range.last) return true;
  }
  return false;
}

// The character that `text`, which is not empty, begins with.
Character first_character(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 1;
  if (length == 1 || length > text.size()) return {text.substr(0, 1), 1};
  uint32_t code = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return {text.substr(0, 1), 1};
    code = code << 6 | (byte & 0x3fu);
  }
  return {text.substr(0, length), within(code, kWide) ? 2u : within(code, kCombining) ? 0u : 1u};
}

std::vector<Character> characters(std::string_view text) {
  std::vector<Character> result;
  for (; !text.empty(); text.remove_prefix(result.back().bytes.size())) result.push_back(first_character(text));
  return result;
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (const Character& each : characters(text)) width += each.width;
  return width;
}

std::string shortened(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string result;
  size_t used = 1;  // by the …
  for (const Character& each : characters(text)) {
    used += each.width;
    if (used > width) break;
    result += each.bytes;
  }
  return result + "…";
}

std::string shortened_front(std::string_view text, size_t width) {
  size_t left = display_width(text);
  if (left <= width) return std::string(text);
  if (width == 0) return "";
  while (left + 1 > width) {
    const Character first = first_character(text);
    left -= first.width;
    text.remove_prefix(first.bytes.size());
  }
  return "…" + std::string(text);
}

std::string left_aligned(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::string right_aligned(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  return std::string(used < width ? width - used : 0, ' ') + std::string(text);
}

}  // namespace ropeway
