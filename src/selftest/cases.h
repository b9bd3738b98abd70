// The cases of tests/cases, which the program carries along: graphs of a node or a few, with what they are to give.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace ropeway::selftest {

struct Case {
  Op op = Op::Identity;  // that it is about
  Graph graph;           // its name is the case's
  std::vector<Tensor> inputs;

  std::string name() const;  // "Conv_plain"
};

// In the file's order.
std::vector<Case> cases_of(Op op);

// The cases as independent branches of one graph, so that one run of a compiler serves them all: inputs and outputs of one case after those of the other.
// Values and nodes are called after their case, so that an error that names one names the case.
Graph merged(const std::vector<Case>& cases);

}  // namespace ropeway::selftest
