// Takes the random numbers out of the graph: masks come from outside.
//   %y = Dropout(%x) ratio=0.3 training_mode=true   →   input %y.mask: f32[2,3,8,8]
//                                                       %y = Binary(%x, %y.mask) function=mul
#include "base/random.h"
#include "ops/convert.h"
#include "passes/lower.h"

namespace ropeway {
namespace {

TensorType mask_type(TensorType type, const DropoutParams& params) {
  for (size_t d = 2; params.whole_channels && d < type.shape.size(); ++d) type.shape[d] = 1;
  return type;
}

}  // namespace

Graph lower_training_dropout(Graph graph, std::vector<DropoutMask>& masks) {
  for (Node& node : graph.nodes) {
    if (node.op != Op::Dropout || !node.get<DropoutParams>().training_mode) continue;
    auto params = node.get<DropoutParams>();
    if (params.ratio == 0) {
      params.training_mode = false;
      node.params = params;
      continue;
    }
    const std::string name = graph.value(node.outputs[0]).name;
    const TensorType type = mask_type(graph.type(node.outputs[0]), params);
    ValueId factor = kNoValue;
    if (params.ratio == 1) {
      factor = graph.add_constant(name + ".zero", filled({type.dtype, {}}, 0));
    } else {
      factor = graph.add_value(name + ".mask", type);
      graph.inputs.push_back(factor);
      masks.push_back({params.ratio, stream_seed(name)});
    }
    node.op = Op::Binary;
    node.params = BinaryParams{BinaryFunction::mul};
    node.inputs.push_back(factor);
  }
  return graph;
}

}  // namespace ropeway
