// Memory is part of the choice of an algorithm: what transformed weights may take.
#pragma once

#include <vector>

#include "cpu/kernel.h"

namespace ropeway::cpu {

// KernelRequest::weight_growth of each node of the graph, such that what convolutions transform makes all weights together at most `budget` times as large, as far as
// that can be: each packs its own, also of weights that several read, and grouped ones as many as their panels need. (That packing rounds channels up to whole blocks is
// not counted.) Where that is not enough for the best of all convolutions, those give way first that compute the fewest pixels: there a transformed weight saves the least.
std::vector<double> weight_limits(const Graph& graph, double budget);

}  // namespace ropeway::cpu
