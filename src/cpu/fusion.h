// Which nodes run as one kernel.
#pragma once

#include <vector>

#include "cpu/kernel.h"

namespace ropeway::cpu {

struct FusedNode {
  int head = 0;             // the node whose kernel it is
  Fusion fusion;
  std::vector<int> nodes;   // head and everything fused, in order
  ValueId output = kNoValue;  // of the last of them
};

// Joins a bias, a residual addition and an activation that only they read to the convolution or product before them, and an activation to an addition,
// wherever an implementation serves the result; and to any node a Cast to f16 and back, which together are one rounding, else a step of their own. Nodes
// whose results are constants are left out. In execution order: a fused node stands where its last part stood. `enabled` = false: every node by itself.
std::vector<FusedNode> fuse(const Graph& graph, bool enabled);

}  // namespace ropeway::cpu
