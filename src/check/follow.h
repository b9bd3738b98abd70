// What the passes make of each operator of a file.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway::check {

struct Fate {
  int node = -1;     // of the last graph; -1: it is gone
  std::string pass;  // the one that took it away, or made another operator of it; "" when it is itself
};

// Looks at the graph after each pass. A node is known again by its origin and operator, or by its result's name: then it may have become another operator.
class Follower {
 public:
  explicit Follower(const Graph& as_read);
  void after(const std::string& pass, const Graph& graph);
  // By node of the graph as it was read.
  const std::vector<Fate>& fates() const { return fates_; }

 private:
  struct Mark {
    std::string origin;  // with the operator; "" where several nodes share it
    std::string result;
    Op op;
  };
  static std::vector<Mark> marks(const Graph& graph);
  std::vector<Mark> read_;
  std::vector<Fate> fates_;
};

}  // namespace ropeway::check
