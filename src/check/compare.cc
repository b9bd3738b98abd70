#include "check/compare.h"

#include <algorithm>

#include "base/text.h"
#include "check/within.h"
#include "engine/placing.h"
#include "passes/pipeline.h"
#include "report/describe.h"

namespace ropeway {
namespace {

SessionOptions device_session(const SessionOptions& given, std::span<const Tensor> inputs) {
  SessionOptions session = given;
  session.samples.assign(inputs.begin(), inputs.end());
  return session;
}

// The CPU, each operator by itself, and the model as it is: nothing substituted. The seed is the device's, so that a first run draws the same masks.
SessionOptions reference_session(const SessionOptions& device) {
  SessionOptions session;
  session.device = "cpu";
  session.threads = device.threads;
  session.seed = device.seed;
  session.disabled_passes = device.disabled_passes;
  session.disabled_passes.insert("fuse");
  return session;
}

class Comparer {
 public:
  Comparer(const Graph& graph, std::span<const Tensor> inputs, const CompareOptions& options, const NamedValues* named)
      : graph_(graph), inputs_(inputs), options_(options), named_(named), session_(device_session(options.session, inputs)), reference_(reference_session(options.session)),
        whole_(Model::compile(graph, session_)) {}

  Comparison run() {
    describe_sides();
    if (named_ == nullptr || !named_->outputs.empty()) compare_outputs();
    else result_.notes.push_back(fmt::format("{} has none of the model's outputs", named_->file));
    if (!result_.outputs_over() && !options_.layers && !result_.outputs.empty()) return std::move(result_);
    try {
      compare_layers();
    } catch (Error& error) {
      if (!result_.outputs.empty()) error.add_note(fmt::format("while taking values out of {}, whose outputs are {} tolerance", graph_.name, result_.outputs_over() ? "over" : "within"));
      throw;
    }
    return std::move(result_);
  }

 private:
  // Whether a compiler of the device's makes anything of the model.
  bool compiles_whole() const {
    return whole_->backend(0).info().compiles_whole && std::ranges::any_of(whole_->plan().segments, [](const Segment& each) { return each.backend == 0; });
  }

  void describe_sides() {
    const DeviceInfo info = whole_->info();
    result_.model = graph_.name;
    result_.device = info.name;
    result_.title = info.title;
    result_.predicted = info.predicted;
    result_.tolerance = options_.tolerance.value_or(default_tolerance(info));
    if (whole_->backends().size() > 1) result_.split = describe_split(whole_->plan(), whole_->graph());
    result_.notes = whole_->notes();
    result_.reference = named_ == nullptr ? "cpu" : named_->file;
    if (named_ != nullptr) result_.unmatched = named_->unmatched;
  }

  // `model` and its output `output`: where the device's side has it from.
  ComparedValue compared(const Graph& graph, ValueId id, const std::string& name, const Model& model, size_t output, const Tensor& device, const Tensor& reference) const {
    ComparedValue value{name, "", "", "", graph.type(id), difference(device, reference), false, model.backend_of_output(output).value_or(0) != 0};
    value.over = !value.difference.within(result_.tolerance);
    const int producer = producers(graph)[static_cast<size_t>(id)];
    if (producer < 0) return value;
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    value.path = node.origin.module_path();
    value.node = node.origin.node;
    value.kind = Describer(graph).kind(node);
    return value;
  }

  void compare_outputs() {
    const std::vector<Tensor> device = run_once(*whole_, inputs_);
    if (named_ != nullptr) {
      for (const NamedValue& each : named_->outputs) result_.outputs.push_back(compared(graph_, each.value, each.name, *whole_, each.output, device[each.output], each.tensor));
      return;
    }
    const std::vector<Tensor> reference = run_once(*Model::compile(graph_, reference_), inputs_);
    for (size_t i = 0; i < device.size(); ++i) result_.outputs.push_back(compared(graph_, graph_.outputs[i], graph_.value(graph_.outputs[i]).name, *whole_, i, device[i], reference[i]));
  }

  void compare_layers() {
    const bool from_file = named_ != nullptr && !named_->layers.empty();
    if (!from_file && named_ != nullptr) {
      if (result_.device == "cpu") {
        result_.notes.push_back(fmt::format("{} has no values of operators, so that none can be named: add them by module path", named_->file));
        return;
      }
      result_.notes.push_back(fmt::format("{} has no values of operators: these are compared with the CPU's", named_->file));
    }
    result_.layers_compared = true;
    result_.layers_from_file = from_file;
    if (from_file) compare_named_layers();
    else compare_operators();
    const auto first = std::find_if(result_.layers.begin(), result_.layers.end(), [](const ComparedValue& value) { return value.over; });
    if (first != result_.layers.end()) result_.first_over = static_cast<size_t>(first - result_.layers.begin());
    else if (result_.outputs_over()) result_.notes.push_back(why_no_layer(from_file));
    if (first == result_.layers.end()) return;
    if (!from_file) find_own_error();
    else if (!result_.unmatched.empty()) result_.notes.push_back("what is missing in the model may be part of another operator there: PyTorch's ONNX exporter folds a batch norm into the convolution before it, whose values then are those behind both");
  }

  std::string why_no_layer(bool from_file) const {
    if (from_file) return "an output is over tolerance, but none of the layers that the reference has: the error arises behind them, or between the last one and the output";
    return "an output is over tolerance, but no operator when its result is taken out: taking values out changes what the device's compiler fuses, and so what it rounds";
  }

  // Values by id from the device, at the cost of compiling the graph again for each batch; `take` gets each batch with its model and all of the run's outputs.
  template <class Take>
  void observe(const Graph& graph, const std::vector<ValueId>& values, Take take) {
    const auto batches = in_batches(graph, values, options_.batch_bytes);
    if (compiles_whole() && !batches.empty()) {
      options_.say(fmt::format("to look into {}, atc compiles it {}, with {} values as further outputs, and {} are copied back; on a board, that takes minutes each time", graph.name,
                               batches.size() == 1 ? "once more" : fmt::format("{} times more", batches.size()), values.size(), readable_bytes(static_cast<double>(bytes_of(graph, values)))));
    }
    for (const auto& batch : batches) {
      const Graph observed = with_outputs(graph, batch);
      const auto index_of = [&](ValueId id) { return static_cast<size_t>(std::find(observed.outputs.begin(), observed.outputs.end(), id) - observed.outputs.begin()); };
      const auto model = Model::compile_like(*whole_, observed, session_);
      take(observed, batch, *model, run_once(*model, inputs_), index_of);
    }
  }

  void compare_named_layers() {
    std::vector<ValueId> values;
    for (const NamedValue& each : named_->layers) {
      if (std::find(values.begin(), values.end(), each.value) == values.end()) values.push_back(each.value);
    }
    observe(graph_, values, [&](const Graph&, const std::vector<ValueId>& batch, const Model& model, const std::vector<Tensor>& device, const auto& index_of) {
      for (const NamedValue& each : named_->layers) {
        if (std::find(batch.begin(), batch.end(), each.value) == batch.end()) continue;
        const size_t at = index_of(each.value);
        result_.layers.push_back(compared(graph_, each.value, each.name, model, at, device[at], each.tensor));
      }
    });
  }

  void compare_operators() {
    std::set<std::string> disabled = options_.session.disabled_passes;
    disabled.erase("fuse");  // the CPU backend's own
    planned_ = run_passes(graph_, pipeline(), disabled);
    order_ = results_of_nodes(planned_);
    observe(planned_, order_, [&](const Graph& observed, const std::vector<ValueId>& batch, const Model& model, const std::vector<Tensor>& device, const auto& index_of) {
      const std::vector<Tensor> reference = run_once(*Model::compile(observed, reference_), inputs_);
      for (const ValueId id : batch) {
        const size_t at = index_of(id);
        result_.layers.push_back(compared(planned_, id, planned_.value(id).name, model, at, device[at], reference[at]));
      }
    });
  }

  // The operator as a model of its own, on both sides, fed with what the reference has for its inputs.
  void find_own_error() {
    const ValueId result = order_[*result_.first_over];
    const Node& node = planned_.nodes[static_cast<size_t>(producers(planned_)[static_cast<size_t>(result)])];
    Graph alone{planned_.name, planned_.source, planned_.values, {node}, {}, {result}};
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && !planned_.is_constant(id) && std::find(alone.inputs.begin(), alone.inputs.end(), id) == alone.inputs.end()) alone.inputs.push_back(id);
    }
    Graph feeding = planned_;
    feeding.outputs = alone.inputs;
    alone = compact(alone);
    if (compiles_whole() && !result_.layers[*result_.first_over].on_cpu) options_.say(fmt::format("atc compiles {} by itself, for its own error", to_string(node.origin)));
    try {
      const std::vector<Tensor> fed = alone.inputs.empty() ? std::vector<Tensor>() : run_once(*Model::compile(std::move(feeding), reference_), inputs_);
      const auto device = Model::compile_like(*whole_, alone, session_);
      result_.own = difference(run_once(*device, fed)[0], run_once(*Model::compile(alone, reference_), fed)[0]);
    } catch (const Error& error) {  // what was found so far is worth having all the same
      result_.notes.push_back(fmt::format("the operator's own error could not be found: {}", error.message()));
    }
  }

  const Graph& graph_;
  const std::span<const Tensor> inputs_;
  const CompareOptions& options_;
  const NamedValues* const named_;
  const SessionOptions session_, reference_;
  const std::shared_ptr<const Model> whole_;  // as it is compiled usually
  Graph planned_;               // of compare_operators
  std::vector<ValueId> order_;  // by layer
  Comparison result_;
};

bool any_over(const std::vector<ComparedValue>& values) {
  return std::any_of(values.begin(), values.end(), [](const ComparedValue& value) { return value.over; });
}

}  // namespace

double default_tolerance(const DeviceInfo& device) { return device.precision == "fp32" ? kTolerance32 : kTolerance16; }

bool Comparison::outputs_over() const { return any_over(outputs); }
bool Comparison::over() const { return any_over(outputs) || any_over(layers); }

Comparison compare(const Graph& graph, std::span<const Tensor> inputs, const CompareOptions& options, const NamedValues* named) { return Comparer(graph, inputs, options, named).run(); }

}  // namespace ropeway
