// Which nodes a compiled model runs as one operator of the chip.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace ropeway::chip {

struct CompiledOperator {
  std::vector<int> nodes;        // of the graph, ascending; the first one decides what it is
  std::vector<ValueId> inputs;   // read from memory, each once: computed elsewhere, inputs of the graph, or constants
  std::vector<ValueId> outputs;  // written, because somebody else reads them
};

// In the order of their last nodes. As CANN's graph and UB fusion do it, as far as one rule can say:
//   - nodes of which everything is known beforehand, Reshape, Identity, Dropout and a Cast between floating-point dtypes are no operators at all;
//   - an element-by-element node joins the convolution, product or element-by-element operator that computes one of its inputs, when that is as large as its
//     result and no circle of operators comes of it: bias, batch norm, residual and activation after a convolution, all of a gelu in parts, chains of additions;
//   - everything else stands alone.
// Inputs are seen through Reshape: a value is read once, whatever shapes it is read in.
std::vector<CompiledOperator> compiled_operators(const Graph& graph);

}  // namespace ropeway::chip
