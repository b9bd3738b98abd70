#include "engine/precision.h"

#include "base/text.h"
#include "engine/border.h"
#include "engine/masks.h"
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

// Of the types that the model declares.
std::vector<Tensor> declared_samples(const PreparedModel& model, const SessionOptions& options, std::string& what) {
  if (options.samples.empty()) {
    std::vector<TensorType> types;
    for (const ValueInfo& input : model.inputs) types.push_back(input.type);
    const auto stored = stored_samples(model.graph.source, types);
    what = stored ? "the inputs that it was exported with" : "generated inputs in [-1, 1)";
    return stored ? *stored : generated_inputs(model.inputs);
  }
  what = "the inputs given";
  if (options.samples.size() != model.inputs.size()) fail(ErrorCode::invalid_argument, "{} samples are given, but the model has {} inputs", options.samples.size(), model.inputs.size());
  for (size_t i = 0; i < model.inputs.size(); ++i) {
    const ValueInfo& expected = model.inputs[i];
    if (options.samples[i].type() != expected.type) fail(ErrorCode::invalid_argument, "the sample of input {} must be {}, but is {}", expected.name, to_string(expected.type), to_string(options.samples[i].type()));
  }
  return options.samples;
}

}  // namespace

std::vector<Tensor> sample_inputs(const PreparedModel& model, const SessionOptions& options, std::string& what) {
  std::vector<Tensor> inputs = declared_samples(model, options, what);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorType& type = model.graph.type(model.graph.inputs[i]);
    if (inputs[i].type() == type) continue;
    Tensor converted(type);
    convert_at_border("the sample of input", model.inputs[i].name, inputs[i], converted);
    inputs[i] = std::move(converted);
  }
  for (size_t i = 0; i < model.masks.size(); ++i) {
    inputs.emplace_back(model.graph.type(model.graph.inputs[model.inputs.size() + i]));
    draw_mask(model.masks[i], options.seed, 0, inputs.back());
  }
  return inputs;
}

std::set<int> choose_precision(PreparedModel& model, const SessionOptions& options, const std::set<int>& on_host) {
  std::string samples;
  const std::vector<Tensor> inputs = sample_inputs(model, options, samples);
  PrecisionOptions precision;
  precision.tolerance = options.tolerance;
  precision.keep = on_host;
  precision.threads = options.threads;
  const KeptOperators kept = keep_for_tolerance(model.graph, inputs, precision);
  model.notes.push_back(sentence(model.graph, kept, options.tolerance, samples));
  std::set<int> nodes;
  for (const KeptOperator& each : kept.operators) nodes.insert(each.node);
  return nodes;
}

}  // namespace ropeway
