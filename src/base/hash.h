// Content hashes: XXH3, for keys of caches and against damage, not against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ropeway {

uint64_t content_hash(std::span<const std::byte> bytes);

// 128 bits as 32 hexadecimal digits.
std::string content_key(std::string_view bytes);

}  // namespace ropeway
