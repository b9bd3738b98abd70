#include "virtual_npu/atc/compiler.h"

#include <charconv>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "chip/cost_model.h"
#include "chip/numerics.h"
#include "chip/operators.h"
#include "formats/onnx/importer.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "virtual_npu/atc/operators.h"
#include "virtual_npu/settings.h"

namespace ropeway::virtual_npu {
namespace {

Shape parse_dimensions(const std::string& text, const std::string& whole) {
  Shape shape;
  if (text.empty()) return shape;
  for (const std::string& word : split(text, ',')) {
    int64_t size = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), size);
    if (problem != std::errc() || end != word.data() + word.size()) refuse_value("input_shape", whole, fmt::format("'{}' is no size", word));
    if (size < 0) refuse_value("input_shape", whole, "open sizes are not supported on the Ascend 310B");
    shape.push_back(size);
  }
  return shape;
}

std::map<std::string, Shape> parse_shapes(const std::string& text) {
  std::map<std::string, Shape> shapes;
  if (text.empty()) return shapes;
  for (const std::string& part : split(text, ';')) {
    const size_t colon = part.rfind(':');
    if (colon == std::string::npos) refuse_value("input_shape", text, fmt::format("'{}' has no ':' between name and sizes", part));
    shapes[part.substr(0, colon)] = parse_dimensions(part.substr(colon + 1), text);
  }
  return shapes;
}

chip::PrecisionMode chosen_precision(const AtcOptions& options) {
  const std::string &v1 = options.precision_mode, &v2 = options.precision_mode_v2;
  if (!v1.empty() && !v2.empty()) refuse_value("precision_mode_v2", v2, "it cannot be given together with --precision_mode");
  if (v1.empty() && v2.empty()) return chip::PrecisionMode::force_fp16;
  if (const auto mode = v1.empty() ? chip::precision_mode_v2_named(v2) : chip::precision_mode_named(v1)) return *mode;
  refuse_value(v1.empty() ? "precision_mode_v2" : "precision_mode", v1 + v2,
               v1.empty() ? "the virtual atc has fp16, origin and cube_fp16in_fp32out; mixed modes go by a list of CANN's own that is not known here"
                          : "the virtual atc has force_fp16, allow_fp32_to_fp16, must_keep_origin_dtype, and force_fp32 or cube_fp16in_fp32out; mixed modes go by a list of CANN's own that is not known here");
}

// The lines of the file that --keep_dtype names.
std::vector<std::string> kept_lines(const std::string& path) {
  if (path.empty()) return {};
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) refuse_value("keep_dtype", path, "there is no such file");
  const File file(path);
  const auto bytes = file.read(0, file.size());
  std::vector<std::string> lines = split(std::string(reinterpret_cast<const char*>(bytes.get()), file.size()), '\n');
  for (std::string& line : lines) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
  }
  std::erase(lines, "");
  return lines;
}

// The nodes of the graph that keep their precision. What names nothing is a warning: the manual does not say what CANN does then (assumed).
std::set<int> kept_nodes(const Graph& graph, const std::vector<std::string>& lines, std::vector<std::string>& warnings) {
  constexpr std::string_view kType = "OpType::";
  std::set<int> kept;
  std::vector<std::string> unknown;
  for (const std::string& line : lines) {
    const size_t before = kept.size();
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const bool named = line.starts_with(kType) ? chip::ge_operator(graph, graph.nodes[i]) == std::string_view(line).substr(kType.size()) : graph.nodes[i].origin.node == line;
      if (named) kept.insert(static_cast<int>(i));
    }
    if (kept.size() == before) unknown.push_back(line);
  }
  if (!unknown.empty()) warnings.push_back(fmt::format("--keep_dtype: {} of {} lines name no operator that is left in the model: {}", unknown.size(), lines.size(), listed(unknown)));
  return kept;
}

// The value that a part of --out_nodes names: "node:0", or an output of the model.
std::string_view named_result(const onnx::GraphProto& graph, const std::string& part, const std::string& whole) {
  for (const onnx::ValueInfoProto& output : graph.outputs) {
    if (output.name == part) return output.name;
  }
  const size_t colon = part.rfind(':');
  size_t index = 0;
  const bool numbered = colon != std::string::npos && std::from_chars(part.data() + colon + 1, part.data() + part.size(), index).ptr == part.data() + part.size() && colon + 1 < part.size();
  if (!numbered) refuse_value("out_nodes", whole, fmt::format("'{}' is no output of the model, nor a node and the number of its result, such as Conv_0:0", part));
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const onnx::NodeProto& node = graph.nodes[i];
    if (onnx::node_name(node, i) != std::string_view(part).substr(0, colon)) continue;
    if (index >= node.outputs.size() || node.outputs[index].empty()) refuse_value("out_nodes", whole, fmt::format("{} {} has {} result(s)", node.op_type, onnx::node_name(node, i), node.outputs.size()));
    return node.outputs[index];
  }
  refuse_value("out_nodes", whole, fmt::format("the model has no node '{}'", part.substr(0, colon)));
}

void choose_outputs(onnx::GraphProto& graph, const std::string& out_nodes) {
  if (out_nodes.empty()) return;
  std::vector<onnx::ValueInfoProto> outputs;
  for (const std::string& part : split(out_nodes, ';')) {
    onnx::ValueInfoProto output;
    output.name = named_result(graph, part, out_nodes);
    outputs.push_back(std::move(output));
  }
  graph.outputs = std::move(outputs);
}

// Outputs keep their names.
void cast_outputs(Graph& graph, const std::string& type) {
  if (type.empty()) return;
  const DType to = type == "FP16" ? DType::f16 : DType::f32;
  for (ValueId& id : graph.outputs) {
    const DType from = graph.type(id).dtype;
    if (from == to || (from != DType::f32 && from != DType::f16)) continue;
    const std::string name = graph.value(id).name;
    const bool is_input = std::ranges::count(graph.inputs, id) > 0;
    if (!is_input) graph.value(id).name = name + ".whole";
    const ValueId result = graph.add_value(name, {to, graph.type(id).shape});
    graph.nodes.push_back({Op::Cast, CastParams{to}, {id}, {result}, {name, {}}});
    id = result;
  }
}

// Named as a compiled model in the tests of Ascend's own tools is: Div_331, Mul_333 and Add_335 in one are Div_331Mul_333Add_335, a RealDiv. That model also has a
// PartitionedCall_Conv_112_Conv2D_32, where a parser builds several operators for one node; when it does is not known, so that is not imitated.
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

// The model as a graph, once CANN is known to have its operators.
Graph read_checked(std::string_view bytes, const AtcOptions& options, chip::PrecisionMode mode, chip::CannVersion version, std::vector<std::string>& warnings) {
  onnx::ModelProto model = onnx::parse_model(bytes);
  if (!model.graph) fail(ErrorCode::invalid_model, "{} has no graph", options.model);
  const int64_t opset = checked_opset(model);
  check_parsers(*model.graph, opset);
  choose_outputs(*model.graph, options.out_nodes);
  check_max_pools(*model.graph, version);
  const ReadOptions sizes{std::nullopt, parse_shapes(options.input_shape)};
  onnx::Importer importer(model, opset, options.model, sizes);
  Graph graph;
  try {
    graph = importer.run();
  } catch (Error& error) {
    if (error.code() == ErrorCode::unsupported) error.add_note(fmt::format("{}: CANN's parser knows all operators of the model", kOwnLimit));
    throw;
  }
  if (!importer.assumed_sizes().empty()) refuse_value("input_shape", options.input_shape, fmt::format("the model leaves these sizes open, and open sizes are not supported on the Ascend 310B: {}", listed(importer.assumed_sizes())));
  check_dropouts(graph, version);
  check_indices(graph);
  check_engines(*model.graph, opset, graph, mode, version, warnings);
  return graph;
}

}  // namespace

void refuse_value(std::string_view flag, std::string_view value, const std::string& reason) {
  fail(ErrorCode::invalid_argument, "E10001: Value [{}] for parameter [--{}] is invalid. Reason: {}.", value, flag, reason);
}

Container compile(const AtcOptions& options, std::vector<std::string>& warnings) {
  const File file(options.model);
  const auto bytes = file.read(0, file.size());
  return compile({reinterpret_cast<const char*>(bytes.get()), file.size()}, options, warnings);
}

Container compile(std::string_view onnx, const AtcOptions& options, std::vector<std::string>& warnings) {
  if (options.framework != "5") refuse_value("framework", options.framework, "the virtual atc reads ONNX alone, which is 5");
  const chip::PrecisionMode mode = chosen_precision(options);
  const chip::CannVersion version = chosen_cann();
  const chip::Soc& soc = soc_named(options.soc_version);
  const std::vector<std::string> lines = kept_lines(options.keep_dtype);
  Graph graph = run_passes(read_checked(onnx, options, mode, version, warnings), pipeline(), {});
  cast_outputs(graph, options.output_type);
  Container result{"Ropeway's virtual atc", soc.name, chip::name(version), chip::name(mode), {}, ""};
  if (!lines.empty() && mode == chip::PrecisionMode::must_keep_origin_dtype) warnings.push_back(fmt::format("--keep_dtype has no effect with --precision_mode={}", chip::name(mode)));
  const std::set<int> kept = kept_nodes(graph, lines, warnings);
  for (const chip::OperatorCost& cost : chip::compiled_cost(graph, soc, kept)) result.operators.push_back(operator_time(graph, cost));
  if (mode != chip::PrecisionMode::force_fp16) warnings.push_back(fmt::format("predicted times are those of 16-bit floats: with {} it takes longer", chip::name(mode)));
  result.onnx = write_onnx(lower_to_onnx17(chip::apply_numerics(std::move(graph), {false, mode, kept})));
  return result;
}

}  // namespace ropeway::virtual_npu
