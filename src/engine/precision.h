// Precision "auto": which operators of a model an NPU has to compute in fp32.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "accuracy/precision.h"
#include "ropeway/session.h"

namespace ropeway {

// The inputs by which a model's precision is judged: options.samples, else those that the file brings along, else generated ones. `what` receives which of these.
// Throws Error{invalid_argument} when those given do not fit the graph.
std::vector<Tensor> sample_inputs(const Graph& graph, const SessionOptions& options, std::string& what);

// Nodes of a planned graph to keep in fp32, so that the results for the samples are within options.tolerance; none where that is so without, or cannot be reached.
// Adds to `notes` a sentence: the operators, and the error before and after.
std::set<int> choose_precision(const Graph& graph, const SessionOptions& options, std::vector<std::string>& notes);

}  // namespace ropeway
