#include "check/follow.h"

#include <unordered_map>

#include "base/text.h"

namespace ropeway::check {

std::vector<Follower::Mark> Follower::marks(const Graph& graph) {
  std::vector<Mark> result;
  std::unordered_map<std::string, int> count;
  for (const Node& node : graph.nodes) {
    result.push_back({fmt::format("{} {}", name(node.op), node.origin.node), fmt::format("{} {}", name(node.op), graph.value(node.outputs[0]).name)});
    ++count[result.back().by_origin];
  }
  for (Mark& mark : result) {
    if (count[mark.by_origin] > 1) mark.by_origin.clear();
  }
  return result;
}

Follower::Follower(const Graph& as_read) : read_(marks(as_read)) {
  for (size_t i = 0; i < read_.size(); ++i) fates_.push_back({static_cast<int>(i), ""});
}

void Follower::after(const std::string& pass, const Graph& graph) {
  std::unordered_map<std::string, int> by_origin, by_result;
  const std::vector<Mark> now = marks(graph);
  for (size_t i = 0; i < now.size(); ++i) {
    if (!now[i].by_origin.empty()) by_origin.emplace(now[i].by_origin, static_cast<int>(i));
    by_result.emplace(now[i].by_result, static_cast<int>(i));
  }
  for (size_t i = 0; i < read_.size(); ++i) {
    if (fates_[i].node < 0) continue;
    const auto origin = by_origin.find(read_[i].by_origin), result = by_result.find(read_[i].by_result);
    fates_[i] = origin != by_origin.end() ? Fate{origin->second, ""} : result != by_result.end() ? Fate{result->second, ""} : Fate{-1, pass};
  }
}

}  // namespace ropeway::check
