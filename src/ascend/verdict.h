// What will become of each operator of a model on a chip, before anything is compiled. Needs no device.
#pragma once

#include <string>
#include <vector>

#include "backend/backend.h"
#include "chip/operators.h"
#include "ir/graph.h"

namespace ropeway::ascend {

// What a model would be compiled for.
struct Target {
  std::string soc = "Ascend310B1";
  chip::CannVersion cann = chip::CannVersion::v8_1_rc1;
  chip::PrecisionMode mode = chip::PrecisionMode::force_fp16;
};

struct Verdict {
  chip::Engine engine = chip::Engine::none;  // the least certain of its parts: ai_core before fused, ai_cpu, unknown and none. none: it has to run elsewhere
  std::vector<std::string> becomes;          // the ONNX operators that CANN is given for it: {"Transpose", "MatMul"}
  std::string ge_operator;                   // CANN's, of the part that decides: "Conv2D"; "" when that is not known
  bool rewritten = false;                    // it becomes something else than itself
  std::string why;                           // what is assumed, evidence, or why it cannot run there; "" where the lists say all
};

// By node. The graph as AscendBackend compiles it (lowered to ONNX opset 17, no more) and chip/operators.h, whose lists are what a verdict rests on.
std::vector<Verdict> judge(const Graph& graph, const Target& target);

// The same for a plan, with predicted times for a chip that chip/soc.h has: an operator's stands at its first node, what is fused with that takes none.
std::vector<Support> supports(const Graph& graph, const Target& target);

// What no operator of CANN's takes on a chip, whatever it is: tensors in float64 or bfloat16, or without elements. "" when nothing is known against the node.
std::string why_not_on_chip(const Graph& graph, const Node& node, const std::string& soc);

// The version whose lists are nearest to an installation's: "8.0.0" → 8.1.RC1.
chip::CannVersion nearest_version(const std::string& version);

}  // namespace ropeway::ascend
