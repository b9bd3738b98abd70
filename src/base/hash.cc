#include "base/hash.h"

#include <fmt/format.h>

// In the header alone, so that no library of it is needed at run time.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ropeway {

uint64_t content_hash(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string content_key(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace ropeway
