// maxpool=avgpool:
//   %y = MaxPool(%x) kernel_shape=[3,3] …   →   %y = AveragePool(%x) kernel_shape=[3,3] … count_include_pad=true
#include "passes/substitute.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway {
namespace {

// Why an average pool cannot stand in the place of a max pool; "" when it can.
std::string why_not_average(const Graph& graph, const Node& node) {
  const Ints& dilations = node.get<PoolParams>().dilations;
  if (std::ranges::any_of(dilations, [](int64_t each) { return each != 1; })) return fmt::format("its dilations are [{}], which average pools do not have", fmt::join(dilations, ","));
  const DType dtype = graph.type(node.inputs[0]).dtype;
  const bool is_float = dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
  return is_float ? "" : fmt::format("it pools {}, and averages need floating point", name(dtype));
}

}  // namespace

const std::vector<std::string>& substitutions() {
  static const std::vector<std::string> names = {"maxpool=avgpool"};
  return names;
}

Substituted substitute(Graph graph, const std::string& name) {
  if (std::ranges::count(substitutions(), name) == 0) fail(ErrorCode::invalid_argument, "there is no substitution '{}'; there is {}", name, listed(substitutions()));
  Substituted result;
  std::vector<std::string> refused;
  for (Node& node : graph.nodes) {
    if (node.op != Op::MaxPool) continue;
    if (const std::string why = why_not_average(graph, node); !why.empty()) refused.push_back(fmt::format("MaxPool at {}: {}", to_string(node.origin), why));
    auto params = node.get<PoolParams>();
    params.count_include_pad = true;
    node.op = Op::AveragePool;
    node.params = params;
    result.replaced.push_back(node.origin);
  }
  if (!refused.empty()) fail(ErrorCode::unsupported, "{} cannot replace {} of {} MaxPool:\n  {}", name, refused.size(), result.replaced.size(), fmt::join(refused, "\n  "));
  result.graph = std::move(graph);
  return result;
}

}  // namespace ropeway
