// The cheapest way to part a network in two.
#pragma once

#include <cstdint>
#include <vector>

namespace ropeway {

// Directed edges with capacities. Exact: capacities are integers.
class Network {
 public:
  static constexpr int64_t kNever = int64_t{1} << 56;  // the capacity of an edge that must not be cut; finite ones together must stay below it

  explicit Network(size_t vertices) : edges_of_(vertices) {}
  size_t add_vertex();
  // Adds up with what is there already. `capacity` ≥ 0.
  void add_edge(size_t from, size_t to, int64_t capacity);

  // Parts the vertices so that the capacities of the edges from the source's part to the sink's are least in sum; among several such ways, the one whose part of
  // the source is largest. By vertex, whether it is in the part of the source. Once per network: capacities are used up.
  std::vector<bool> min_cut(size_t source, size_t sink);

 private:
  struct Edge {
    size_t to;
    int64_t left;  // of its capacity; the reverse edge is the next or the one before
  };
  bool find_levels(size_t source, size_t sink);
  bool push(size_t source, size_t sink);

  std::vector<Edge> edges_;
  std::vector<std::vector<size_t>> edges_of_;  // by vertex: indices
  std::vector<int> level_;
  std::vector<size_t> next_;
};

}  // namespace ropeway
