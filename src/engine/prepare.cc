#include "engine/prepare.h"

#include "base/text.h"
#include "passes/pipeline.h"
#include "passes/substitute.h"

namespace ropeway {
namespace {

std::string masks_note(size_t masks, uint64_t seed) {
  return fmt::format("the model has {} dropout{} in training mode: each run draws masks of its own, by --seed {}", masks, masks == 1 ? "" : "s", seed);
}

}  // namespace

PreparedModel prepare(Graph graph, const SessionOptions& options, const Chip* chip, const AfterStep& after) {
  // Before the passes: one of them may give an output's place to the value of another, or to an input, but not its name.
  PreparedModel result{{}, describe(graph, graph.inputs), describe(graph, graph.outputs), {}, {}, {}};
  const auto done = [&](const std::string& step) {
    if (after) after(step, graph);
  };
  for (const std::string& each : options.substitutions) {
    graph = substitute(std::move(graph), each).graph;
    done("substitute");
  }
  graph = lower_training_dropout(std::move(graph), result.masks);
  done("lower_training_dropout");
  if (!result.masks.empty()) result.notes.push_back(masks_note(result.masks.size(), options.seed));
  std::set<std::string> disabled = options.disabled_passes;
  disabled.erase("fuse");  // the CPU backend's own
  graph = run_passes(std::move(graph), pipeline(), disabled, [&](const Pass& pass, const Graph& now) {
    if (after) after(pass.name, now);
  });
  if (chip != nullptr) {
    graph = narrow_for(*chip, std::move(graph), result.notes, result.findings);
    done("narrow");
  }
  result.graph = std::move(graph);
  return result;
}

std::vector<ValueInfo> describe(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<ValueInfo> result;
  for (const ValueId id : ids) result.push_back({graph.value(id).name, graph.type(id)});
  return result;
}

}  // namespace ropeway
