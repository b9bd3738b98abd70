#include "check/follow.h"

#include <unordered_map>

#include "base/text.h"

namespace ropeway::check {

std::vector<Follower::Mark> Follower::marks(const Graph& graph) {
  std::vector<Mark> result;
  std::unordered_map<std::string, int> count;
  for (const Node& node : graph.nodes) {
    result.push_back({fmt::format("{} {}", name(node.op), node.origin.node), graph.value(node.outputs[0]).name, node.op});
    ++count[result.back().origin];
  }
  for (Mark& mark : result) {
    if (count[mark.origin] > 1) mark.origin.clear();
  }
  return result;
}

Follower::Follower(const Graph& as_read) : read_(marks(as_read)) {
  for (size_t i = 0; i < read_.size(); ++i) fates_.push_back({static_cast<int>(i), ""});
}

void Follower::after(const std::string& pass, const Graph& graph) {
  std::unordered_map<std::string, size_t> by_origin, by_result;
  const std::vector<Mark> now = marks(graph);
  for (size_t i = 0; i < now.size(); ++i) {
    if (!now[i].origin.empty()) by_origin.emplace(now[i].origin, i);
    by_result.emplace(now[i].result, i);
  }
  std::vector<bool> claimed(now.size(), false);
  const auto claim = [&](Fate& fate, size_t node) {
    fate.node = static_cast<int>(node);
    claimed[node] = true;
  };
  std::vector<size_t> lost;
  for (size_t i = 0; i < read_.size(); ++i) {
    if (fates_[i].node < 0) continue;
    const auto origin = by_origin.find(read_[i].origin), result = by_result.find(read_[i].result);
    if (origin != by_origin.end()) claim(fates_[i], origin->second);
    else if (result != by_result.end() && now[result->second].op == read_[i].op) claim(fates_[i], result->second);
    else lost.push_back(i);
  }
  // What computes its result now, unless that is an operator of the file itself, into which this one was folded.
  for (const size_t i : lost) {
    const auto result = by_result.find(read_[i].result);
    if (fates_[i].pass.empty()) fates_[i].pass = pass;
    if (result != by_result.end() && !claimed[result->second]) claim(fates_[i], result->second);
    else fates_[i].node = -1;
  }
}

}  // namespace ropeway::check
