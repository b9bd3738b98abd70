#include "engine/substitution.h"

#include <algorithm>

#include "accuracy/difference.h"
#include "base/text.h"
#include "passes/substitute.h"

namespace ropeway {
namespace {

constexpr size_t kMostNames = 3;

std::vector<Tensor> outputs_of(const Graph& graph, const SessionOptions& options, std::span<const Tensor> inputs) {
  const auto model = Model::compile(graph, options);
  std::vector<Tensor> results;
  for (const ValueInfo& output : model->outputs()) results.emplace_back(output.type);
  model->run(*model->make_context(), inputs, results, nullptr);
  return results;
}

std::string names_of(const std::vector<Origin>& origins) {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(origins.size(), kMostNames); ++i) names.push_back(origins[i].module_path().empty() ? origins[i].node : origins[i].module_path());
  return fmt::format("{}{}", fmt::join(names, ", "), origins.size() > kMostNames ? ", …" : "");
}

std::string change(const ValueInfo& output, const Tensor& before, const Tensor& after) {
  const Difference found = difference(after, before);
  return fmt::format("Largest change of {} {:.4g} of {:.4g} (cosine {:.6f})", output.name, found.largest_error, found.largest_value, found.cosine);
}

}  // namespace

std::vector<std::string> substitution_notes(const Graph& graph, const SessionOptions& options, std::span<const Tensor> inputs) {
  if (options.substitutions.empty()) return {};
  SessionOptions on_cpu;
  on_cpu.device = "cpu";
  on_cpu.threads = options.threads;
  on_cpu.seed = options.seed;
  const std::vector<ValueInfo> outputs = describe(graph, graph.outputs);
  std::vector<std::string> notes;
  for (const std::string& name : options.substitutions) {
    const Substituted other = substitute(graph, name);
    if (other.replaced.empty()) {
      notes.push_back(fmt::format("{} replaces nothing: {} has no MaxPool", name, graph.name));
      continue;
    }
    const std::vector<Tensor> before = outputs_of(graph, on_cpu, inputs), after = outputs_of(other.graph, on_cpu, inputs);
    std::string note = fmt::format("{} replaces {} MaxPool ({}): this is another function", name, other.replaced.size(), names_of(other.replaced));
    for (size_t i = 0; i < outputs.size(); ++i) note += fmt::format(". {}", change(outputs[i], before[i], after[i]));
    notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace ropeway
