// Which backend computes what, and why: a value to print, diff and keep golden copies of.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace ropeway {

// A device that a plan may use, as values: none is needed to plan for it.
struct Candidate {
  std::string name;               // "virtual-npu": reasons and errors call it so
  std::vector<Support> supports;  // by node
  double copy_us = 0;             // see DeviceInfo
  double copy_gb_per_s = 0;
};
Candidate candidate(const Backend& backend, const Graph& graph);

struct PlanOptions {
  std::span<const int> pieces = {};  // when given, a number per node: a segment also ends where that changes
  bool fallback = true;              // false: what the first candidate cannot compute is an error
};

// Nodes that one device computes in one piece.
struct Segment {
  size_t backend = 0;           // index into the candidates that the plan was made for
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
  std::vector<std::string> devices;   // the candidates' names
};

// Every node goes to the first candidate that supports it; neighbours on one device form a segment.
// Throws Error{unsupported} that names every operator without a device, or that needs a fallback where none is allowed, with its module path and the reasons.
Plan make_plan(const Graph& graph, std::span<const Candidate> candidates, const PlanOptions& options = {});

// The segment as a graph of its own: node i of it is node segment.nodes[i].
Graph extract(const Graph& graph, const Segment& segment);

std::string to_string(const Plan& plan, const Graph& graph);

}  // namespace ropeway
