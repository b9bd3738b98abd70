#include "virtual_npu/atc/compiler.h"

#include <charconv>

#include "base/text.h"
#include "chip/cost_model.h"
#include "chip/numerics.h"
#include "chip/operators.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "virtual_npu/settings.h"

namespace ropeway::virtual_npu {
namespace {

Shape parse_dimensions(const std::string& text, const std::string& whole) {
  Shape shape;
  if (text.empty()) return shape;
  for (const std::string& word : split(text, ',')) {
    int64_t size = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), size);
    if (problem != std::errc() || end != word.data() + word.size()) fail(ErrorCode::invalid_argument, "--input_shape={}: '{}' is no size", whole, word);
    if (size < 0) fail(ErrorCode::unsupported, "--input_shape={}: open sizes are not supported on {}", whole, "Ascend310B");
    shape.push_back(size);
  }
  return shape;
}

std::map<std::string, Shape> parse_shapes(const std::string& text) {
  std::map<std::string, Shape> shapes;
  if (text.empty()) return shapes;
  for (const std::string& part : split(text, ';')) {
    const size_t colon = part.rfind(':');
    if (colon == std::string::npos) fail(ErrorCode::invalid_argument, "--input_shape={}: '{}' has no ':' between name and sizes", text, part);
    shapes[part.substr(0, colon)] = parse_dimensions(part.substr(colon + 1), text);
  }
  return shapes;
}

void check(const AtcOptions& options) {
  if (options.framework != 5) fail(ErrorCode::unsupported, "--framework={}: the virtual atc reads ONNX alone, which is 5", options.framework);
  if (options.precision_mode != "force_fp16") fail(ErrorCode::unsupported, "--precision_mode={}: the virtual atc has force_fp16 alone", options.precision_mode);
}

// The chip has no float64: a model that computes in it is refused, as CANN does.
void check_dtypes(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      if (graph.type(id).dtype == DType::f64) fail(ErrorCode::unsupported, "EZ3003: {} {} computes in float64, which the chip does not have", name(node.op), to_string(node.origin));
    }
  }
}

// Named as compiled models of users show it: Div_331, Mul_333 and Add_335 in one are Div_331Mul_333Add_335, a RealDiv.
OperatorTime operator_time(const Graph& graph, const chip::OperatorCost& cost) {
  OperatorTime result{"", std::string(chip::ge_operator(graph, graph.nodes[static_cast<size_t>(cost.nodes[0])])), cost.ms};
  const std::string* last = nullptr;  // a node of the file that is several of the graph is named once
  for (const int index : cost.nodes) {
    const std::string& name = graph.nodes[static_cast<size_t>(index)].origin.node;
    if (last == nullptr || *last != name) result.name += name;
    last = &name;
  }
  return result;
}

}  // namespace

Container compile(const AtcOptions& options) {
  check(options);
  const chip::Soc& soc = soc_named(options.soc_version);
  Graph graph = run_passes(read_onnx(File(options.model), {std::nullopt, parse_shapes(options.input_shape)}), pipeline(), {});
  check_dtypes(graph);
  Container result{"Ropeway's virtual atc", soc.name, kCannVersion, options.precision_mode, {}, ""};
  for (const chip::OperatorCost& cost : chip::compiled_cost(graph, soc)) result.operators.push_back(operator_time(graph, cost));
  result.onnx = write_onnx(lower_to_onnx17(chip::apply_numerics(std::move(graph))));
  return result;
}

}  // namespace ropeway::virtual_npu
