// Compiled models (.om files): who made one, and for what.
#pragma once

#include <optional>
#include <string_view>

#include "base/file.h"

namespace ropeway::cann {

// What a file of CANN's own compiler begins with.
inline constexpr std::string_view kOmMagic = "IMOD";
// What a file of Ropeway's virtual compiler begins with: no CANN can take it for its own.
inline constexpr std::string_view kVirtualOmMagic = "ROPEWAY VIRTUAL OM\n";

enum class OmMaker { cann, virtual_atc };

// By its first bytes; nothing for a file that is no compiled model.
std::optional<OmMaker> om_maker(const File& file);

}  // namespace ropeway::cann
