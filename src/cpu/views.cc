#include "cpu/views.h"

#include <algorithm>

#include "cpu/implementations.h"
#include "cpu/kernel.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

// What a node makes of the view that its input is; nothing for a node that computes or moves.
std::optional<View> view_through(const Graph& graph, const Node& node, View view) {
  const Shape& from = graph.type(node.inputs[0]).shape;
  if (node.op == Op::Identity || node.op == Op::Dropout) return view;
  if (node.op == Op::Reshape) {
    std::optional<Shape> strides = reshaped_strides(from, view.strides, graph.type(node.outputs[0]).shape);
    if (!strides) return std::nullopt;
    view.strides = std::move(*strides);
    return view;
  }
  if (node.op == Op::Transpose) {
    Shape strides;
    for (const int64_t d : node.get<PermParams>().perm) strides.push_back(view.strides[static_cast<size_t>(d)]);
    view.strides = std::move(strides);
    return view;
  }
  if (node.op != Op::Slice) return std::nullopt;
  const auto& p = node.get<SliceParams>();
  for (size_t d = 0; d < from.size(); ++d) {
    view.offset += p.starts[d] * view.strides[d];
    if (graph.type(node.outputs[0]).shape[d] > 1) view.strides[d] *= p.steps[d];  // a step that is never taken may be huge
  }
  return view;
}

// Elements of a value that is looked at: rows of a block of queries are counted in 32 bits.
constexpr int64_t kLargest = INT32_MAX / 64;

// An attention whose first three inputs may be views: its rows' elements must lie side by side.
bool reads_views(const Graph& graph, const Node& node) {
  return node.op == Op::ScaledDotProductAttention && implementations(node.op).front().declines(KernelRequest{graph, node, {}}).empty();
}

}  // namespace

std::optional<Shape> reshaped_strides(const Shape& from, const Shape& strides, const Shape& shape) {
  // Runs of dimensions that one stride can serve, each with its size.
  std::vector<std::pair<int64_t, int64_t>> runs;
  for (size_t d = 0; d < from.size(); ++d) {
    if (from[d] == 1) continue;
    if (!runs.empty() && runs.back().second == from[d] * strides[d]) {
      runs.back() = {runs.back().first * from[d], strides[d]};
    } else {
      runs.emplace_back(from[d], strides[d]);
    }
  }
  Shape result(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 0;) {
    if (shape[d] == 1) continue;
    if (runs.empty() || runs.back().first % shape[d] != 0) return std::nullopt;
    auto& [left, stride] = runs.back();
    result[d] = stride;
    left /= shape[d], stride *= shape[d];
    if (left == 1) runs.pop_back();
  }
  return result;
}

Views attention_views(const Graph& graph) {
  Views views;
  std::vector<bool> read(graph.values.size(), false), elsewhere(graph.values.size(), false);
  const auto index = [](ValueId id) { return static_cast<size_t>(id); };
  for (const ValueId id : graph.outputs) elsewhere[index(id)] = true;
  for (const Node& node : graph.nodes) {
    const ValueId in = node.inputs.empty() ? kNoValue : node.inputs[0];
    if (in == kNoValue || graph.is_constant(in) || graph.type(in).dtype != DType::f32 || element_count(graph.type(in).shape) == 0 || element_count(graph.type(in).shape) > kLargest) continue;
    const auto found = views.find(in);
    std::optional<View> view = view_through(graph, node, found != views.end() ? found->second : View{in, 0, strides_of(graph.type(in).shape)});
    if (view && graph.type(node.outputs[0]).dtype == DType::f32) views.emplace(node.outputs[0], std::move(*view));
  }
  // Backwards: a value that something else reads, too, is computed, and so is what it is made from.
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const auto own = node->outputs.size() == 1 ? views.find(node->outputs[0]) : views.end();
    if (own != views.end() && (elsewhere[index(own->first)] || !read[index(own->first)])) views.erase(own);
    const bool viewed = node->outputs.size() == 1 && views.contains(node->outputs[0]);
    const bool attention = reads_views(graph, *node);
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const ValueId id = node->inputs[i];
      if (id == kNoValue) continue;
      const auto view = views.find(id);
      const bool here = viewed || (attention && i < 3 && view != views.end() && (view->second.strides.back() == 1 || graph.type(id).shape.back() == 1));
      (here ? read : elsewhere)[index(id)] = true;
    }
  }
  return views;
}

}  // namespace ropeway::cpu
