// Which backend computes what, and why: a value to print, diff and keep golden copies of.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace ropeway {

// Nodes that one backend computes in one piece.
struct Segment {
  size_t backend = 0;           // index into the list that the plan was made for
  std::vector<int> nodes;       // indices into the planned graph, in order
  std::vector<ValueId> inputs;  // boundary buffers that it reads, and that it leaves
  std::vector<ValueId> outputs;
};

struct Placement {
  size_t backend = 0;
  std::string reason;  // "it is the only device", "npu declined: …"
};

struct Plan {
  std::vector<Segment> segments;      // in the order of execution
  std::vector<Placement> placements;  // by node
};

// Every node goes to the first backend that supports it; neighbours on one backend form a segment. `pieces`, when given, has a number per node: a segment also ends
// where that changes.
// Throws Error{unsupported} that names every operator without a backend, with its module path and each backend's reason.
Plan make_plan(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends, std::span<const int> pieces = {});

// The segment as a graph of its own: node i of it is node segment.nodes[i].
Graph extract(const Graph& graph, const Segment& segment);

std::string to_string(const Plan& plan, const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends);

}  // namespace ropeway
