// What a compiled model costs on a chip: a prediction, not a measurement.
#pragma once

#include <set>
#include <vector>

#include "chip/soc.h"
#include "ir/graph.h"

namespace ropeway::chip {

// What an operator spends most of its time on. layout: on bringing the weights of a convolution into the cube's order, which eager execution does at each call.
enum class Bound : uint8_t { cube, vector, memory, launch, layout };
inline constexpr size_t kBounds = 5;
const char* name(Bound bound);

struct OperatorCost {
  std::vector<int> nodes;  // of the graph, ascending; the first names it
  double ms = 0;           // launch included
  Bound bound = Bound::launch;
  double flops = 0;        // of its nodes, as ops/work.h counts them: without padding
  double bytes = 0;        // between DRAM and the core
};

// The operators of the graph as a compiled model runs them (chip/fusion.h), in order of execution: one after the other, each
//   max(cube, vector, memory) + launch.
// Floating point is taken for 16 bits wide, whatever the graph says; integers and booleans count as they are. Cube: multiply-accumulates of the operator with its
// dimensions padded to 16. Vector: instructions per element over vector_bytes_per_cycle, in 32 bits where the chip computes so. Memory: weights, inputs and
// outputs of the operator once each, what moves likewise; that the second-level cache may spare some of it is left to the fitted DRAM rate. Copies
// between host and device are not in it. An AdaptiveAveragePool is one operator, a ScaledDotProductAttention its three (product, softmax, product) in one row.
// Eager execution, in which weights are laid out anew at each call, is chip/eager_cost.h.
// `keep`: nodes whose operators move and compute floating point as it is declared (chip/numerics.h); a product in 32 bits is taken for as fast as one in 16 (assumed: no figure is known).
std::vector<OperatorCost> compiled_cost(const Graph& graph, const Soc& soc, const std::set<int>& keep = {});

// Of one copy between host and device, in milliseconds.
double copy_ms(double bytes, const Soc& soc);
// Of one copy within the device's memory, in milliseconds: every byte is read and written. A program on the board itself has no other copies.
double memory_copy_ms(double bytes, const Soc& soc);

// The sum, in milliseconds.
double total_ms(const std::vector<OperatorCost>& costs);

}  // namespace ropeway::chip
