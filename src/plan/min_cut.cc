#include "plan/min_cut.h"

#include <algorithm>

namespace ropeway {

size_t Network::add_vertex() {
  edges_of_.emplace_back();
  return edges_of_.size() - 1;
}

void Network::add_edge(size_t from, size_t to, int64_t capacity) {
  edges_of_[from].push_back(edges_.size());
  edges_.push_back({to, capacity});
  edges_of_[to].push_back(edges_.size());
  edges_.push_back({from, 0});
}

// Dinic's algorithm: shortest paths by breadth, then as much as these can carry.
bool Network::find_levels(size_t source, size_t sink) {
  level_.assign(edges_of_.size(), -1);
  level_[source] = 0;
  std::vector<size_t> reached = {source};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const size_t e : edges_of_[reached[i]]) {
      const size_t to = edges_[e].to;
      if (edges_[e].left == 0 || level_[to] >= 0) continue;
      level_[to] = level_[reached[i]] + 1;
      reached.push_back(to);
    }
  }
  return level_[sink] >= 0;
}

// Along edges that lead a level further, as much as one path can carry; without recursion, because a path may be as long as the model.
bool Network::push(size_t source, size_t sink) {
  std::vector<size_t> path;  // edges
  for (size_t at = source; at != sink;) {
    size_t& i = next_[at];
    while (i < edges_of_[at].size() && (edges_[edges_of_[at][i]].left == 0 || level_[edges_[edges_of_[at][i]].to] != level_[at] + 1)) ++i;
    if (i < edges_of_[at].size()) {
      path.push_back(edges_of_[at][i]);
      at = edges_[path.back()].to;
    } else if (path.empty()) {
      return false;
    } else {
      at = edges_[path.back() ^ 1].to;
      path.pop_back();
      ++next_[at];
    }
  }
  int64_t most = kNever;
  for (const size_t e : path) most = std::min(most, edges_[e].left);
  for (const size_t e : path) {
    edges_[e].left -= most;
    edges_[e ^ 1].left += most;
  }
  return true;
}

std::vector<bool> Network::min_cut(size_t source, size_t sink) {
  while (find_levels(source, sink)) {
    next_.assign(edges_of_.size(), 0);
    while (push(source, sink)) {}
  }
  // The part of the sink is what can still send something to it, and no more.
  std::vector<bool> sources(edges_of_.size(), true);
  sources[sink] = false;
  std::vector<size_t> reached = {sink};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const size_t e : edges_of_[reached[i]]) {
      const size_t from = edges_[e].to;
      if (edges_[e ^ 1].left == 0 || !sources[from]) continue;
      sources[from] = false;
      reached.push_back(from);
    }
  }
  return sources;
}

}  // namespace ropeway
