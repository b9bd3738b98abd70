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

struct Placement {
  size_t backend = 0;  // index into the candidates
  std::string reason;  // "it is the only device", "npu declined: …"
};

struct PlanOptions {
  std::span<const int> pieces = {};  // when given, a number per node: a segment also ends where that changes
  bool fallback = true;              // false: what the first candidate cannot compute is an error
  std::vector<Placement> placements = {};  // when given, by node: nothing is left to decide
};

// Nodes that one device computes in one piece. They need not be neighbours in the graph.
struct Segment {
  size_t backend = 0;           // index into the candidates that the plan was made for
  std::vector<int> nodes;       // indices into the planned graph, ascending
  std::vector<ValueId> inputs;  // boundary buffers that it reads, and that it leaves
  std::vector<ValueId> outputs;
};

// Between the host's memory and the devices', as segments make them: each copies what it reads and leaves.
struct Copies {
  int number = 0;
  double bytes = 0, ms = 0;
};

struct Plan {
  std::vector<Segment> segments;      // in the order of execution
  std::vector<Placement> placements;  // by node
  std::vector<std::string> devices;   // the candidates' names
  double predicted_ms = 0;            // of all operators, as far as candidates told; copies not included
  Copies copies;
};

// For one candidate or two, the preferred one first; the second must compute in the host's memory. The first gets the whole graph if it supports all of it. Otherwise the
// two share it, so that the predicted time is least (plan/split.h); segments alternate (plan/order.h).
// Throws Error{unsupported} that names every operator without a device, or that needs a fallback where none is allowed, with its module path and the reasons.
Plan make_plan(const Graph& graph, std::span<const Candidate> candidates, const PlanOptions& options = {});

// Moves a segment to the other candidate, for `reason`, and predicts anew.
void move_segment(Plan& plan, const Graph& graph, std::span<const Candidate> candidates, size_t segment, const std::string& reason);

// The segment as a graph of its own: node i of it is node segment.nodes[i].
Graph extract(const Graph& graph, const Segment& segment);

std::string to_string(const Plan& plan, const Graph& graph);

}  // namespace ropeway
