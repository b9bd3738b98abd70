// Which of two devices computes which node, for the least predicted time.
#pragma once

#include <vector>

#include "plan/plan.h"

namespace ropeway {

// What copying a value between host and candidate takes, in milliseconds; 0 for one that computes in the host's memory.
double copy_ms(const Candidate& candidate, const TensorType& type);

// The split of least predicted time between `device` and `host`, which computes in the host's memory; by node, whether the device computes it. The time is the sum of
//   - each node's on its side (Support::predicted_ms; 0 where that is not known),
//   - a copy for each value that crosses, once in each direction, however many nodes read it there: inputs and outputs of the model are the host's.
// Constants cost nothing. Exact for this sum, a minimal cut; on a tie the device. Left out: what begins a segment, the detour of a value from one segment of the device
// to another over the host, and that an operator may take longer when the split parts it from one that was fused into it.
// Every node must be supported by one of them.
std::vector<bool> split(const Graph& graph, const Candidate& device, const Candidate& host);

}  // namespace ropeway
