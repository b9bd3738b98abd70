// The pass runner: Graph → Graph by name, verified after each.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>

#include "ir/graph.h"

namespace ropeway {

struct Pass {
  const char* name;
  bool required;                // cannot be switched off
  Graph (*run)(Graph graph);    // takes a valid graph, returns a valid one
};

// Runs the passes in order, skipping those in `disabled`, and verifies the graph after each.
// Throws Error{invalid_argument} when `disabled` names no pass of the list or a required one; Error{internal}, naming the pass, when one leaves an invalid graph.
// `after`, when given, sees the graph after each pass that ran.
Graph run_passes(Graph graph, std::span<const Pass> passes, const std::set<std::string>& disabled, const std::function<void(const Pass&, const Graph&)>& after = {});

}  // namespace ropeway
