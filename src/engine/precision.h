// Precision "auto": which operators of a model an NPU has to compute in fp32.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "accuracy/precision.h"
#include "engine/prepare.h"
#include "ropeway/session.h"

namespace ropeway {

// Inputs of the prepared graph by which a model's precision is judged: options.samples, else those that the file brings along, else generated ones; and the masks of a
// first run. `what` receives which of these. Throws Error{invalid_argument} when those given do not fit the model.
std::vector<Tensor> sample_inputs(const PreparedModel& model, const SessionOptions& options, std::string& what);

// Nodes of the prepared graph to keep in fp32, so that the results for the samples are within options.tolerance; none where that is so without, or cannot be reached.
// Adds a sentence to the model's notes: the operators, and the error before and after. `on_host`: nodes that the CPU computes.
std::set<int> choose_precision(PreparedModel& model, const SessionOptions& options, const std::set<int>& on_host = {});

}  // namespace ropeway
