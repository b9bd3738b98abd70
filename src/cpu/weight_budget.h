// Memory is part of the choice of an algorithm: what transformed weights may take.
#pragma once

#include <vector>

#include "cpu/kernel.h"

namespace ropeway::cpu {

// KernelRequest::weight_growth of each node of the graph, such that what is transformed makes all weights together at most `budget` times as large. (Packing alone, which
// rounds channels up to whole blocks, is not counted.) Where that is not enough for the best of all convolutions, those give way first that compute the fewest
// pixels: there a transformed weight saves the least.
std::vector<double> weight_limits(const Graph& graph, double budget);

}  // namespace ropeway::cpu
