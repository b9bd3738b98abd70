// Where buffers with known lifetimes lie in one block of memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace ropeway::cpu {

struct Lifetime {
  size_t bytes = 0;
  int first = 0;  // step that writes it
  int last = 0;   // last step that reads it
  size_t offset = 0;  // set by plan_arena, a multiple of 64
};

// Sets the offsets so that buffers alive in the same step never overlap, and returns the size of the block.
// Greedy by size, largest first, each into the lowest gap that fits (Pisarchyk and Lee: Efficient memory management for deep neural net inference, 2020).
size_t plan_arena(std::span<Lifetime> buffers);

}  // namespace ropeway::cpu
