#include "engine/precision.h"

#include "base/text.h"
#include "engine/model.h"
#include "formats/samples.h"

namespace ropeway {
namespace {

constexpr size_t kNamed = 8;  // operators in a sentence

std::string names_of(const Graph& graph, const KeptOperators& kept) {
  std::vector<std::string> names;
  for (const KeptOperator& each : kept.operators) {
    if (names.size() == kNamed) break;
    const Node& node = graph.nodes[static_cast<size_t>(each.node)];
    names.push_back(fmt::format("{} at {} ({})", name(node.op), to_string(node.origin), each.reason));
  }
  const size_t more = kept.operators.size() - names.size();
  return listed(names) + (more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string sentence(const Graph& graph, const KeptOperators& kept, double tolerance, const std::string& samples) {
  const std::string judged = fmt::format("judged by {}", samples);
  if (kept.error_before <= tolerance) return fmt::format("precision auto: all operators in fp16, error {:.2g} ({})", kept.error_before, judged);
  if (!kept.reached) {
    return fmt::format("precision auto: the error in fp16 is {:.2g}, and with every operator in fp32 that this chip computes in it {:.2g}, still above the tolerance of {:g}: nothing is kept in fp32 ({})", kept.error_before, kept.error_after,
                       tolerance, judged);
  }
  return fmt::format("precision auto: {} of {} operators in fp32, which brings the error from {:.2g} to {:.2g}: {} ({})", kept.operators.size(), graph.nodes.size(), kept.error_before, kept.error_after, names_of(graph, kept), judged);
}

}  // namespace

std::vector<Tensor> sample_inputs(const Graph& graph, const SessionOptions& options, std::string& what) {
  const std::vector<ValueInfo> expected = describe(graph, graph.inputs);
  if (options.samples.empty()) {
    const auto stored = stored_samples(graph);
    what = stored ? "the inputs that it was exported with" : "generated inputs in [-1, 1)";
    return stored ? *stored : generated_inputs(expected);
  }
  what = "the inputs given";
  if (options.samples.size() != expected.size()) fail(ErrorCode::invalid_argument, "{} samples are given, but the model has {} inputs", options.samples.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (options.samples[i].type() != expected[i].type) fail(ErrorCode::invalid_argument, "the sample of input {} must be {}, but is {}", expected[i].name, to_string(expected[i].type), to_string(options.samples[i].type()));
  }
  return options.samples;
}

std::set<int> choose_precision(const Graph& graph, const SessionOptions& options, std::vector<std::string>& notes) {
  std::string samples;
  const std::vector<Tensor> inputs = sample_inputs(graph, options, samples);
  PrecisionOptions precision;
  precision.tolerance = options.tolerance;
  precision.threads = options.threads;
  const KeptOperators kept = keep_for_tolerance(graph, inputs, precision);
  notes.push_back(sentence(graph, kept, options.tolerance, samples));
  std::set<int> nodes;
  for (const KeptOperator& each : kept.operators) nodes.insert(each.node);
  return nodes;
}

}  // namespace ropeway
