#include "cann/om.h"

#include <string>

namespace ropeway::cann {

std::optional<OmMaker> om_maker(const File& file) {
  const auto begins_with = [&](std::string_view magic) {
    std::string head(magic.size(), '\0');
    if (file.size() < head.size()) return false;
    file.read(0, std::as_writable_bytes(std::span(head)));
    return head == magic;
  };
  if (begins_with(kVirtualOmMagic)) return OmMaker::virtual_atc;
  if (begins_with(kOmMagic)) return OmMaker::cann;
  return std::nullopt;
}

}  // namespace ropeway::cann
