// What a compiled model costs on a chip: a roofline per operator, and a launch each. Predictions, for no chip is asked.
#pragma once

#include <vector>

#include "chip/soc.h"
#include "ir/graph.h"

namespace ropeway {

enum class Bound : uint8_t { cube, vector, memory };  // what an operator's time is spent on, its launch apart
const char* name(Bound bound);

// An operator of the compiled model: nodes that run as one.
struct OperatorCost {
  std::vector<int> nodes;  // of the graph, in its order; the first names it
  Bound bound = Bound::memory;
  double cube_flops = 0;    // as the cube computes them: in blocks of 16 × 16 × 16
  double vector_bytes = 0;  // through the vector unit, once per instruction
  double dram_bytes = 0;
  double ms = 0;            // max(cube, vector, memory) + launch
};

// The operators of a graph after the fusions that CANN makes: bias, batch normalisation and activations with the convolution or product before them, chains of
// element-wise operators into one; what only gives a tensor another shape is free. Everything is 16 bits wide, as force_fp16 has it; whole numbers keep their width.
std::vector<OperatorCost> compiled_cost(const Graph& graph, const Soc& soc);

// Of copying between host and device. On the board both are the same DRAM, which is read once and written once.
double copy_ms(double bytes, const Soc& soc);

}  // namespace ropeway
