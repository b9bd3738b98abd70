// What the operators of a compiled model were made of.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "ascend/profiler.h"
#include "backend/backend.h"

namespace ropeway::ascend {

// Nodes of a graph behind a compiled operator's name. `nodes` has each node's name as the compiler knew it. CANN names a fused operator by the names of its nodes, one
// after the other, with or without something between; the longest name that fits at a place is taken. Each node once; empty for what the compiler has put in itself.
std::vector<int> nodes_behind(const std::string& operator_name, const std::map<std::string, int>& nodes);

// A step per operator. Its nodes begin with the heaviest, after which it is named; one without nodes is on behalf of the next that has some.
// Work of a node that several operators share counts for the first of them.
std::vector<StepInfo> make_steps(const Graph& graph, std::span<const OperatorTime> operators, const std::map<std::string, int>& nodes);

}  // namespace ropeway::ascend
