// The implementations of each family of operators, best first, without the reference.
#pragma once

#include <vector>

#include "cpu/kernel.h"

namespace ropeway::cpu {

std::span<const Implementation> conv_implementations();
// Some of them:
Implementation depthwise_implementation();
Implementation planar_implementation();
Implementation folded_implementation();
std::vector<Implementation> winograd_implementations();
std::span<const Implementation> gemm_implementations();    // Gemm
std::span<const Implementation> matmul_implementations();  // MatMul
std::span<const Implementation> attention_implementations();
std::span<const Implementation> max_pool_implementations();
std::span<const Implementation> average_pool_implementations();  // adaptive, too
std::span<const Implementation> batch_norm_implementations();
std::span<const Implementation> layer_norm_implementations();
std::span<const Implementation> softmax_implementations();
std::span<const Implementation> log_softmax_implementations();
std::span<const Implementation> unary_implementations();
std::span<const Implementation> binary_implementations();
std::span<const Implementation> where_implementations();
std::span<const Implementation> reduce_implementations();
std::span<const Implementation> copy_implementations();  // Identity, Dropout, Cast to the same dtype
std::span<const Implementation> cast_implementations();
std::span<const Implementation> reshape_implementations();
std::span<const Implementation> expand_implementations();
std::span<const Implementation> transpose_implementations();
std::span<const Implementation> concat_implementations();
std::span<const Implementation> split_implementations();
std::span<const Implementation> slice_implementations();
std::span<const Implementation> pad_implementations();
std::span<const Implementation> gather_implementations();

}  // namespace ropeway::cpu
