#include "cpu/implementations.h"

#include <vector>

#include "cpu/reference.h"

namespace ropeway::cpu {
namespace {

std::span<const Implementation> family(Op op) {
  switch (op) {
    case Op::Conv: return conv_implementations();
    case Op::MaxPool: return max_pool_implementations();
    case Op::AveragePool:
    case Op::AdaptiveAveragePool: return average_pool_implementations();
    case Op::BatchNormalization: return batch_norm_implementations();
    case Op::LayerNormalization: return layer_norm_implementations();
    case Op::Gemm: return gemm_implementations();
    case Op::MatMul: return matmul_implementations();
    case Op::ScaledDotProductAttention: return attention_implementations();
    case Op::Softmax: return softmax_implementations();
    case Op::LogSoftmax: return log_softmax_implementations();
    case Op::Unary: return unary_implementations();
    case Op::Binary: return binary_implementations();
    case Op::Where: return where_implementations();
    case Op::Reduce: return reduce_implementations();
    case Op::Cast: return cast_implementations();
    case Op::Identity:
    case Op::Dropout: return copy_implementations();
    case Op::Reshape: return reshape_implementations();
    case Op::Expand: return expand_implementations();
    case Op::Transpose: return transpose_implementations();
    case Op::Concat: return concat_implementations();
    case Op::Split: return split_implementations();
    case Op::Slice: return slice_implementations();
    case Op::Pad: return pad_implementations();
    case Op::Gather: return gather_implementations();
    case Op::GatherND:
    case Op::ConvTranspose:
    case Op::MaxPoolIndices:
    case Op::GatherElements:
    case Op::ScatterElements:
    case Op::ArgMax:
    case Op::ArgMin:
    case Op::TopK:
    case Op::CumSum:
    case Op::Resize: return {};
  }
  return {};
}

// By operator: its family, then the reference.
std::vector<std::vector<Implementation>> make_table() {
  std::vector<std::vector<Implementation>> table;
  for (const Op op : all_ops()) {
    const auto rows = family(op);
    table.emplace_back(rows.begin(), rows.end());
    table.back().push_back(reference_implementation());
  }
  return table;
}

}  // namespace

std::span<const Implementation> implementations(Op op) {
  static const std::vector<std::vector<Implementation>> table = make_table();
  return table[static_cast<size_t>(op)];
}

}  // namespace ropeway::cpu
