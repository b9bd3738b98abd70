#include "virtual_npu/atc/compiler.h"

#include <charconv>

#include "base/text.h"
#include "chip/cost_model.h"
#include "chip/numerics.h"
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

// `read`: ReadOptions → Graph.
template <class Read>
Container compile_what(const AtcOptions& options, Read read) {
  check(options);
  const chip::Soc& soc = soc_named(options.soc_version);
  Graph graph = run_passes(read(ReadOptions{std::nullopt, parse_shapes(options.input_shape)}), pipeline(), {});
  check_dtypes(graph);
  Container result{"Ropeway's virtual atc", soc.name, kCannVersion, options.precision_mode, {}, ""};
  for (const chip::OperatorCost& cost : chip::compiled_cost(graph, soc)) {
    const Node& head = graph.nodes[static_cast<size_t>(cost.nodes[0])];
    result.operators.push_back({head.origin.node, name(head.op), cost.ms});
  }
  result.onnx = write_onnx(lower_to_onnx17(chip::apply_numerics(std::move(graph))));
  return result;
}

}  // namespace

Container compile(const AtcOptions& options) {
  return compile_what(options, [&](const ReadOptions& reading) { return read_onnx(File(options.model), reading); });
}

Container compile(std::string_view onnx, const AtcOptions& options) {
  return compile_what(options, [&](const ReadOptions& reading) { return read_onnx(onnx, options.model, reading); });
}

}  // namespace ropeway::virtual_npu
