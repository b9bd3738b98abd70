#include "ascend/steps.h"

#include <algorithm>
#include <set>

#include "ops/work.h"

namespace ropeway::ascend {

std::vector<int> nodes_behind(const std::string& operator_name, const std::map<std::string, int>& nodes) {
  std::vector<int> result;
  for (size_t at = 0; at < operator_name.size();) {
    const std::string_view rest = std::string_view(operator_name).substr(at);
    size_t longest = 0;
    int found = -1;
    for (const auto& [name, node] : nodes) {
      if (name.size() <= longest || !rest.starts_with(name)) continue;
      longest = name.size();
      found = node;
    }
    if (longest > 0 && std::find(result.begin(), result.end(), found) == result.end()) result.push_back(found);
    at += std::max<size_t>(longest, 1);
  }
  return result;
}

std::vector<StepInfo> make_steps(const Graph& graph, std::span<const OperatorTime> operators, const std::map<std::string, int>& nodes) {
  std::vector<Work> works;
  for (const Node& node : graph.nodes) works.push_back(work(graph, node));
  const auto work_of = [&](int node) { return works[static_cast<size_t>(node)]; };
  std::vector<StepInfo> steps;
  std::set<int> counted;
  for (const OperatorTime& each : operators) {
    StepInfo step;
    step.kernel = each.type;
    step.nodes = nodes_behind(each.name, nodes);
    std::stable_sort(step.nodes.begin(), step.nodes.end(), [&](int a, int b) { return work_of(a).flops > work_of(b).flops; });
    for (const int node : step.nodes) {
      if (!counted.insert(node).second) continue;
      step.flops += work_of(node).flops;
      step.bytes += work_of(node).bytes;
    }
    steps.push_back(std::move(step));
  }
  int next = -1;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->nodes.empty()) step->on_behalf_of = next;
    else next = step->nodes[0];
  }
  return steps;
}

}  // namespace ropeway::ascend
