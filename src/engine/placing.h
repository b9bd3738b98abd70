// What stands between a graph and its plan where an NPU is asked for: types that it lacks, and what either side takes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "passes/lower.h"
#include "plan/plan.h"

namespace ropeway {

// What is to be known of an NPU's chip.
struct Chip {
  std::string name;  // "Ascend310B1"
  std::function<std::vector<Support>(const Graph&)> supports;
};
// Of a backend; nothing when it is none of an NPU. Holds on to the backend.
std::optional<Chip> chip_of(const std::shared_ptr<const Backend>& backend);

// The graph in types that the chip has (passes/narrow.cc), and sentences about it for the user; `findings` receives again those about constants that do not fit. int64 becomes int32 only where the chip declines an operator that
// touches int64.
Graph narrow_for(const Chip& chip, Graph graph, std::vector<std::string>& notes, std::vector<std::string>& findings);

// The processor of a board as the second candidate: in its times, whatever this machine is.
Candidate host_candidate(const Graph& graph);
// Nodes that the second candidate, the CPU, computes.
std::set<int> nodes_on_host(const Plan& plan);

// The backends as candidates. Behind an NPU the CPU's times are those that a board's processor is predicted to take, whatever this machine is.
std::vector<Candidate> candidates_for(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends);

// "split: 3 segments: virtual-npu 41 operators, cpu 2 (MaxPool at encoder.pool: …), 4 copies of 1.2 MB in all, 5.42 ms predicted", or "split: none, all 43 operators on
// virtual-npu". Operators that have the same reason are told once.
std::string describe_split(const Plan& plan, const Graph& graph);

}  // namespace ropeway
