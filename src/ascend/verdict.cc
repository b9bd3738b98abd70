#include "ascend/verdict.h"

#include <algorithm>

#include "base/text.h"
#include "chip/cost_model.h"
#include "formats/onnx/node_writer.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"

namespace ropeway::ascend {
namespace {

int uncertainty(chip::Engine engine) {
  switch (engine) {
    case chip::Engine::ai_core: return 0;
    case chip::Engine::fused: return 1;
    case chip::Engine::ai_cpu: return 2;
    case chip::Engine::unknown: return 3;
    case chip::Engine::none: return 4;
  }
  return 4;
}

// A node of the lowered graph.
Verdict judge_written(const Graph& graph, const Node& node, const Target& target) {
  Verdict result;
  result.why = why_not_on_chip(graph, node, target.soc);
  if (!result.why.empty()) return result;
  try {
    result.becomes = {onnx::written_operator(graph, node)};
  } catch (const Error& refused) {  // the graph may run elsewhere
    if (refused.code() != ErrorCode::unsupported) throw;
    result.why = refused.message();
    return result;
  }
  const ValueId data = chip::data_input(node);
  const chip::Verdict verdict = chip::verdict(result.becomes[0], kWrittenOpset, graph.type(data == kNoValue ? node.outputs[0] : data), target.mode, target.cann);
  const std::string beyond = chip::beyond_limits(graph, node);
  result.engine = beyond.empty() ? verdict.engine : chip::Engine::none;
  result.ge_operator = verdict.ge_operator;
  result.why = beyond.empty() ? verdict.why : beyond;
  return result;
}

// What becomes of a node is decided by its most doubtful part.
void add_part(Verdict& whole, const Verdict& part) {
  whole.becomes.insert(whole.becomes.end(), part.becomes.begin(), part.becomes.end());
  if (uncertainty(part.engine) < uncertainty(whole.engine) || (part.engine == whole.engine && !whole.why.empty())) return;
  whole.engine = part.engine;
  whole.ge_operator = part.ge_operator;
  whole.why = part.why;
}

}  // namespace

std::string why_not_on_chip(const Graph& graph, const Node& node, const std::string& soc) {
  for (const auto* side : {&node.inputs, &node.outputs}) {
    for (const ValueId id : *side) {
      if (id == kNoValue) continue;
      if (graph.type(id).dtype == DType::f64) return fmt::format("{} has no float64: convert the model with .float() before exporting it", soc);
      if (graph.type(id).dtype == DType::bf16) return fmt::format("CANN has next to no operators in bfloat16 for {}: convert the model with .half() or .float() before exporting it", soc);
      if (element_count(graph.type(id).shape) == 0) return fmt::format("{} is {}: CANN takes no tensors without elements", graph.value(id).name, to_string(graph.type(id)));
    }
  }
  if (node.op == Op::MaxPoolIndices) return "CANN's ONNX parser has no operator for the indices of a maximum pool (that of torch_npu, MaxPoolWithArgmaxV1, fails with CANN 7.0.RC1: article, unverified)";
  return "";
}

std::vector<Verdict> judge(const Graph& graph, const Target& target) {
  std::vector<int> sources;
  const Graph lowered = lower_to_onnx17(graph, &sources);
  std::vector<Verdict> verdicts(graph.nodes.size(), {chip::Engine::ai_core, {}, "", false, ""});
  std::vector<int> parts(graph.nodes.size(), 0);
  for (size_t i = 0; i < lowered.nodes.size(); ++i) {
    const auto source = static_cast<size_t>(sources[i]);
    add_part(verdicts[source], judge_written(lowered, lowered.nodes[i], target));
    if (++parts[source] > 1 || lowered.nodes[i].op != graph.nodes[source].op) verdicts[source].rewritten = true;
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (const std::string why = why_not_on_chip(graph, graph.nodes[n], target.soc); !why.empty()) verdicts[n] = {chip::Engine::none, {}, "", false, why};
  }
  return verdicts;
}

std::vector<Support> supports(const Graph& graph, const Target& target) {
  std::vector<Support> result;
  const chip::Soc* const soc = chip::find_soc(target.soc);
  for (const Verdict& verdict : judge(graph, target)) {
    const bool yes = verdict.engine != chip::Engine::none;
    result.push_back({yes, yes ? "" : verdict.why, soc == nullptr ? std::nullopt : std::optional(0.0)});
  }
  if (soc == nullptr) return result;
  for (const chip::OperatorCost& cost : chip::compiled_cost(graph, *soc)) result[static_cast<size_t>(cost.nodes[0])].predicted_ms = cost.ms;
  return result;
}

chip::CannVersion nearest_version(const std::string& version) {
  const bool is_old = !version.empty() && version[0] >= '1' && version[0] <= '7' && (version.size() == 1 || version[1] == '.');
  return is_old ? chip::CannVersion::v7_0_rc1 : chip::CannVersion::v8_1_rc1;
}

}  // namespace ropeway::ascend
