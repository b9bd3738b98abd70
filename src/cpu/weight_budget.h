// Memory is part of the choice of an algorithm: what transformed weights may take.
#pragma once

#include <vector>

#include "cpu/kernel.h"

namespace ropeway::cpu {

// By how much the convolution that `request` asks for would multiply its weights, with the best implementation that serves it within request.weight_growth; 1 when it
// does not transform them.
double weight_growth(const KernelRequest& request);

// KernelRequest::weight_growth of each node of the graph, such that all weights together become at most `budget` times as large. Where that is not enough for the best
// of all convolutions, those give way first that compute the fewest pixels: there a transformed weight saves the least.
std::vector<double> weight_limits(const Graph& graph, double budget);

}  // namespace ropeway::cpu
