#include "chip/operators.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway::chip {
namespace {

struct OnnxRow {
  std::string_view name;
  int64_t first, last;   // opsets
  std::string_view ge;   // the operators of its parser, the one that computes first
  std::string_view head() const { return ge.substr(0, ge.find(' ')); }
  // The parser casts the input to what the operator has.
  bool casts() const { return head() != "Cast" && (" " + std::string(ge) + " ").find(" Cast ") != std::string::npos; }
};
constexpr OnnxRow kOnnx[] = {
#define ROPEWAY_ONNX(name, first, last, ge) {#name, first, last, ge},
#include "chip/operators.def"
#undef ROPEWAY_ONNX
};

struct FusedRow {
  std::string_view name, evidence;
};
constexpr FusedRow kFused[] = {
#define ROPEWAY_FUSED(name, evidence) {#name, evidence},
#include "chip/operators.def"
#undef ROPEWAY_FUSED
};

// An article about a 310B1 with CANN 7.0.RC1.
constexpr std::string_view kMissingIn7[] = {"MaxPoolWithArgmaxV1", "DropOutDoMask"};

enum class Source : bool { listed, assumed };

std::vector<DType> parse_dtypes(std::string_view words) {
  std::vector<DType> result;
  for (const std::string& word : split(words, ' ')) {
    if (const auto dtype = dtype_named(word)) result.push_back(*dtype);
  }
  return result;
}

const std::vector<GeOperator>& ge_operators() {
  using enum Source;
  static const std::vector<GeOperator> rows = {
#define ROPEWAY_GE(name, dtypes, source, on_ai_cpu) {#name, parse_dtypes(dtypes), source == assumed, on_ai_cpu},
#include "chip/operators.def"
#undef ROPEWAY_GE
  };
  return rows;
}

template <class Rows>
auto find(const Rows& rows, std::string_view name) -> decltype(&*std::begin(rows)) {
  const auto found = std::find_if(std::begin(rows), std::end(rows), [&](const auto& row) { return row.name == name; });
  return found == std::end(rows) ? nullptr : &*found;
}

const OnnxRow* find_onnx(std::string_view name, int64_t opset) {
  const OnnxRow* row = find(kOnnx, name);
  return row != nullptr && row->first <= opset && opset <= row->last ? row : nullptr;
}

// The operator for images with depth, where there is another one.
std::string_view by_rank(std::string_view ge, size_t rank) {
  if (rank != 5) return ge;
  if (ge == "Conv2D") return "Conv3D";
  if (ge == "Conv2DTranspose") return "Conv3DTranspose";
  if (ge == "MaxPoolV3" || ge == "MaxPool") return "MaxPool3D";
  return ge == "AvgPoolV2" ? "AvgPool3D" : ge;
}

bool has(const GeOperator& ge, DType dtype) { return std::ranges::count(ge.core_dtypes, dtype) > 0; }

std::string dtypes_of(const GeOperator& ge) {
  std::vector<std::string> names;
  for (const DType dtype : ge.core_dtypes) names.emplace_back(ropeway::name(dtype));
  return listed(names);
}

// What the engines' lists say of an operator that one of them has. No Cast is inserted for a dtype that neither has: CANN's documentation knows that for operators
// of the AI CPU alone, and there it is off.
Verdict by_list(const GeOperator& ge, DType dtype, bool parser_casts, PrecisionMode mode) {
  const std::string ge_name(ge.name);
  const char* const assumed = ge.assumed ? "its dtypes are assumed: CANN's list leaves them to its code" : "";
  for (const DType each : computed_dtypes(mode, is_product(ge.name), dtype)) {
    if (has(ge, each)) return {Engine::ai_core, ge_name, each, assumed};
  }
  if (parser_casts && dtype != DType::f64 && !ge.core_dtypes.empty()) return {Engine::ai_core, ge_name, std::nullopt, "the parser casts its input"};
  if (ge.on_ai_cpu && dtype != DType::f64) return {Engine::ai_cpu, ge_name, std::nullopt, "which dtypes the AI CPU has is assumed: all but f64"};
  const char* const cpu = !ge.on_ai_cpu ? "the AI CPU does not have the operator" : "the AI CPU is assumed to have the operator, but not in f64";
  const std::string_view kind = ge.assumed ? ", assumed" : "";
  return {Engine::none, ge_name, std::nullopt, fmt::format("{} is not among the dtypes that the AI Core has it in with {} ({}{}), and {}", name(dtype), name(mode), dtypes_of(ge), kind, cpu)};
}

}  // namespace

const char* name(CannVersion version) { return version == CannVersion::v7_0_rc1 ? "7.0.RC1" : "8.1.RC1"; }

std::optional<CannVersion> cann_version_named(std::string_view text) {
  for (const CannVersion version : {CannVersion::v7_0_rc1, CannVersion::v8_1_rc1}) {
    if (text == name(version)) return version;
  }
  return std::nullopt;
}

const GeOperator* find_ge_operator(std::string_view ge_name) { return find(ge_operators(), ge_name); }

std::string_view why_lacking(CannVersion version, std::string_view ge_name) {
  if (version != CannVersion::v7_0_rc1 || std::ranges::count(kMissingIn7, ge_name) == 0) return "";
  return "CANN 7.0.RC1 does not have it (article, unverified)";
}

bool has_parser(std::string_view onnx_operator, int64_t opset) { return find_onnx(onnx_operator, opset) != nullptr; }

const char* name(Engine engine) {
  switch (engine) {
    case Engine::ai_core: return "AI Core";
    case Engine::ai_cpu: return "AI CPU";
    case Engine::fused: return "handled by fusion";
    case Engine::unknown: return "unknown";
    case Engine::none: return "not supported";
  }
  return "?";
}

Verdict verdict(std::string_view onnx_operator, int64_t opset, const TensorType& data, PrecisionMode mode, CannVersion version) {
  const DType dtype = data.dtype;
  const OnnxRow* const row = find_onnx(onnx_operator, opset);
  if (row == nullptr) return {Engine::none, "", std::nullopt, fmt::format("CANN's parser has no {} of opset {}", onnx_operator, opset)};
  const std::string head(by_rank(row->head(), data.shape.size()));
  if (head.empty()) return {Engine::unknown, "", std::nullopt, "it is newer than the list of CANN's parsers that is known here"};
  if (const std::string_view why = why_lacking(version, head); !why.empty()) return {Engine::none, head, std::nullopt, std::string(why)};
  if (const GeOperator* ge = find_ge_operator(head)) return by_list(*ge, dtype, row->casts(), mode);
  if (dtype == DType::f64 && head != "Const") return {Engine::none, head, std::nullopt, "the chip has no float64"};
  if (const FusedRow* fused = find(kFused, head)) return {Engine::fused, head, std::nullopt, std::string(fused->evidence)};
  return {Engine::unknown, head, std::nullopt, fmt::format("CANN's parser makes a {} of it, which neither engine lists; whether graph fusion replaces it is not known", head)};
}

std::string beyond_limits(const Graph& graph, const Node& node) {
  if (node.op != Op::Conv || graph.type(node.inputs[0]).shape.size() != 4) return "";
  const auto& p = node.get<ConvParams>();
  const Shape &x = graph.type(node.inputs[0]).shape, &weight = graph.type(node.inputs[1]).shape;
  const struct {
    const char* what;
    int64_t size, most;
  } limits[] = {{"height", x[2], 100000},       {"width", x[3], 4096},           {"kernel", weight[2], 255},       {"kernel", weight[3], 255},
                {"stride", p.strides[0], 63},   {"stride", p.strides[1], 63},    {"dilation", p.dilations[0], 255}, {"dilation", p.dilations[1], 255}};
  for (const auto& [what, size, most] : limits) {
    if (size > most) return fmt::format("its {} is {}, and Conv2D takes no more than {}", what, size, most);
  }
  return "";
}

std::string_view ge_operator(const Graph& graph, const Node& node) {
  const auto of_onnx = [](std::string_view onnx) {
    const OnnxRow* row = find(kOnnx, onnx);
    return row == nullptr || row->ge.empty() ? onnx : row->head();
  };
  switch (node.op) {
    case Op::Conv:
    case Op::ConvTranspose:
    case Op::MaxPool:
    case Op::AveragePool: return by_rank(of_onnx(name(node.op)), graph.type(node.inputs[0]).shape.size());
    case Op::MaxPoolIndices: return "MaxPoolWithArgmaxV1";
    case Op::ScaledDotProductAttention: return "BatchMatMulV2";
    case Op::AdaptiveAveragePool: return std::ranges::all_of(node.get<AdaptivePoolParams>().output_size, [](int64_t size) { return size == 1; }) ? "ReduceMean" : "AdaptiveAvgPool2d";
    case Op::Reduce: return of_onnx(onnx_name(node.get<ReduceParams>().function));
    case Op::Binary: return of_onnx(onnx_name(node.get<BinaryParams>().function));
    case Op::Unary: {
      const UnaryFunction function = node.get<UnaryParams>().function;
      return function == UnaryFunction::mish ? "Mish" : of_onnx(onnx_name(function));
    }
    default: return of_onnx(name(node.op));
  }
}

ValueId data_input(const Node& node) { return node.input(node.op == Op::Where ? 1 : 0); }

bool is_product(std::string_view ge) { return ge == "Conv2D" || ge == "Conv3D" || ge == "Conv2DTranspose" || ge == "Conv3DTranspose" || ge == "MatMulV2" || ge == "BatchMatMulV2"; }

}  // namespace ropeway::chip
