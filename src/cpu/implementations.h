// The implementations of each family of operators, best first.
#pragma once

#include "cpu/kernel.h"

namespace ropeway::cpu {

std::span<const Implementation> conv_implementations();
std::span<const Implementation> gemm_implementations();    // Gemm
std::span<const Implementation> matmul_implementations();  // MatMul
std::span<const Implementation> attention_implementations();

}  // namespace ropeway::cpu
