#include "chip/host_cost.h"

#include <algorithm>

#include "ops/work.h"

namespace ropeway::chip {
namespace {

// [article]: its CPU column, PyTorch on the board's cores.
constexpr double kFlopsPerMs = 16e6;  // ResNet-34's 7.3 GFLOP in 459 ms
constexpr double kBytesPerMs = 2.2e6; // what batch norm, ReLU and pooling leave of the first row of ResNet-34 when its convolution goes as fast as the next rows' (27 GFLOP/s)
constexpr double kOverheadMs = 0.01;  // [assumed] of calling a kernel

}  // namespace

double host_ms(const Graph& graph, const Node& node) {
  const Work each = work(graph, node);
  return std::max(each.flops / kFlopsPerMs, each.bytes / kBytesPerMs) + kOverheadMs;
}

}  // namespace ropeway::chip
