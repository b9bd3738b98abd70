// Which operators CANN has for the Ascend 310B, in which dtypes, and what becomes of ONNX operators there.
// The lists (operators.def) are those of CANN 8.1.RC1 and of Ascend's ONNX plug-ins of 2022. What they leave open is said to be assumed, or unknown: never settled by a guess.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chip/precision.h"
#include "ir/graph.h"

namespace ropeway::chip {

inline constexpr int64_t kOldestOpset = 11, kNewestOpset = 18;  // of ONNX, by atc's manual

// 7.0.RC1 is 8.1.RC1 less what one article reports to be missing there: unverified.
enum class CannVersion : uint8_t { v7_0_rc1, v8_1_rc1 };
const char* name(CannVersion version);  // "8.1.RC1"
std::optional<CannVersion> cann_version_named(std::string_view name);

// An operator of GE, CANN's graph engine.
struct GeOperator {
  std::string_view name;
  std::vector<DType> core_dtypes;  // of the input that decides, on the AI Core; empty: it is not there
  bool assumed = false;            // the list leaves the dtypes open
  bool on_ai_cpu = false;          // in dtypes that no list has
};
// nullptr when neither engine has it. That alone is no refusal: graph fusion may replace it.
const GeOperator* find_ge_operator(std::string_view name);
// Why a version lacks an operator that find_ge_operator knows; "" when it has it.
std::string_view why_lacking(CannVersion version, std::string_view ge_operator);

// Whether CANN's parser knows an operator of the domain ai.onnx at an opset.
bool has_parser(std::string_view onnx_operator, int64_t opset);

enum class Engine : uint8_t {
  ai_core,
  ai_cpu,   // in dtypes that are assumed: all but f64
  fused,    // neither engine has it, but it is known to compile: graph fusion replaces it
  unknown,  // nothing here says whether it compiles
  none,     // it does not compile
};
const char* name(Engine engine);

struct Verdict {
  Engine engine = Engine::none;
  std::string ge_operator;      // what the parser makes of it; "" when that is not known
  std::optional<DType> dtype;   // in which it is computed on the AI Core
  std::string why;              // evidence, what is assumed, or why it does not compile
};

// What becomes of an operator of the domain ai.onnx. `data`: the input that decides, as the model has it.
Verdict verdict(std::string_view onnx_operator, int64_t opset, const TensorType& data, PrecisionMode mode, CannVersion version);

// Why CANN cannot compile a node of a graph although it has the operator: sizes beyond what its documentation allows. "" when nothing is known against it.
std::string beyond_limits(const Graph& graph, const Node& node);

// The GE operator that a node of a graph is compiled to: "Conv2D", "BatchMatMulV2", "Relu". Of an attention, its first product.
std::string_view ge_operator(const Graph& graph, const Node& node);
// The input whose dtype decides: the first one, but for Where. kNoValue: the node has none.
ValueId data_input(const Node& node);
// A convolution or matrix product, which the cube computes.
bool is_product(std::string_view ge_operator);

}  // namespace ropeway::chip
