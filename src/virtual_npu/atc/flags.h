// The flags of atc: one table of what CANN's has, and what this one does with each.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "virtual_npu/atc/compiler.h"

namespace ropeway::virtual_npu {

enum class FlagKind : uint8_t {
  used,      // sets a field of AtcOptions
  ignored,   // supported by the 310B; of speed, caches and accuracy's finer settings, which the virtual atc does not have
  not_here,  // supported by the 310B, but not by the virtual atc
  not_chip,  // not supported by the 310B, says its page of atc's manual
};

struct Flag {
  std::string_view name;  // "precision_mode", without dashes
  FlagKind kind;
  std::string AtcOptions::*field = nullptr;  // of a used one
  std::string_view text;                     // for a used or ignored one: its values, "a|b", or "" for any; for one that is not here: why
  std::string_view meaning = "";             // of a used one
};
std::span<const Flag> flags();

struct GivenFlag {
  std::string_view name;
  std::string value;
};

// Options from the flags of a command line. Ignored ones are added to `warnings`. Throws Error{invalid_argument, unsupported} with CANN's code and the flag: E10001 for values that
// there are not and flags that the chip does not support, E10007 and E10054 for missing ones.
AtcOptions read_flags(std::span<const GivenFlag> given, std::vector<std::string>& warnings);

}  // namespace ropeway::virtual_npu
