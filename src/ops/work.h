// What a node has to do, whatever computes it.
#pragma once

#include "ir/graph.h"

namespace ropeway {

struct Work {
  double flops = 0;  // multiplications and additions; other functions count as one each
  double bytes = 0;  // constants, inputs and outputs, each once
};
Work work(const Graph& graph, const Node& node);

}  // namespace ropeway
