// Kernels that the compiler inserts by itself: changes of layout, and copies.
#pragma once

#include <memory>

#include "cpu/kernel.h"

namespace ropeway::cpu {

std::unique_ptr<Kernel> make_to_blocked(const Shape& shape);
std::unique_ptr<Kernel> make_to_plain(const Shape& shape);
std::unique_ptr<Kernel> make_copy(size_t bytes);

}  // namespace ropeway::cpu
