#include "engine/model.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ascend/backend.h"
#include "ascend/compiler.h"
#include "base/random.h"
#include "base/text.h"
#include "cpu/backend.h"
#include "engine/border.h"
#include "engine/devices.h"
#include "engine/masks.h"
#include "engine/placing.h"
#include "engine/precision.h"
#include "engine/prepare.h"

namespace ropeway {
namespace {

void check_tensors(const char* what, const std::vector<ValueInfo>& expected, std::span<const Tensor> given) {
  if (given.size() != expected.size()) fail(ErrorCode::invalid_argument, "{} {}s are given, but the model has {}", given.size(), what, expected.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].type() != expected[i].type) fail(ErrorCode::invalid_argument, "{} {} must be {}, but {} is given", what, expected[i].name, to_string(expected[i].type), to_string(given[i].type()));
  }
}

// A kernel that no step uses was misspelt, or serves nothing in this model.
void check_kernel(const std::string& wanted, const Graph& graph, const std::vector<std::shared_ptr<const Executable>>& executables) {
  std::set<std::string> used;
  for (const auto& executable : executables) {
    for (const StepInfo& step : executable->steps()) used.insert(step.kernel);
  }
  if (used.contains(wanted)) return;
  fail(ErrorCode::invalid_argument, "no step of {} can use the kernel '{}'; without it they use {}", graph.name, wanted, used.empty() ? "none" : listed(std::vector<std::string>(used.begin(), used.end())));
}

MemoryUse weights_of(const std::vector<std::shared_ptr<const Executable>>& executables) {
  MemoryUse sum;
  for (const auto& executable : executables) {
    const MemoryUse use = executable->memory();
    sum.weights += use.weights;
    sum.half_weights += use.half_weights;
  }
  return sum;
}

// How much of a CPU's weights "fp16" reaches: not every kernel can use them so.
std::string half_weights_note(const MemoryUse& sum) {
  const auto readable = [](size_t bytes) { return readable_bytes(static_cast<double>(bytes)); };
  if (sum.half_weights == 0) return "precision fp16: no kernel that this model uses on the CPU has weights of 16 bits, all stay in 32";
  return fmt::format("precision fp16: {} of {} of weights are stored in 16 bits, {}arithmetic is fp32", readable(sum.half_weights), readable(sum.weights), sum.half_weights < sum.weights ? "the rest in 32, " : "");
}

// Why an NPU's compiler failed, in a line: what failed, and the first line with an error code of CANN's.
std::string reason_of(const Error& error) {
  const std::vector<std::string> lines = split(error.message(), '\n');
  std::string reason = lines[0].substr(0, lines[0].find("; it printed:"));
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t at = lines[i].find_first_not_of(' ');
    const bool has_code = at != std::string::npos && lines[i].size() > at + 7 && lines[i][at] == 'E' && lines[i][at + 6] == ':';
    if (has_code) return fmt::format("{}: {}", reason, lines[i].substr(at));
  }
  return reason;
}

// The kept ones of a segment's nodes, as the segment counts them.
std::set<int> kept_in(const std::vector<int>& nodes, const std::set<int>& keep) {
  std::set<int> result;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (keep.contains(nodes[i])) result.insert(static_cast<int>(i));
  }
  return result;
}

// The node of `whole` that computes what node `n` of `part` does; nothing for one that `whole` has not, such as what passes made of several there.
std::vector<std::optional<size_t>> same_nodes(const Graph& part, const Graph& whole) {
  std::map<std::string, size_t> by_result;
  for (size_t n = 0; n < whole.nodes.size(); ++n) {
    for (const ValueId id : whole.nodes[n].outputs) by_result.emplace(whole.value(id).name, n);
  }
  std::vector<std::optional<size_t>> result;
  for (const Node& node : part.nodes) {
    const auto at = by_result.find(part.value(node.outputs[0]).name);
    result.push_back(at == by_result.end() ? std::nullopt : std::optional(at->second));
  }
  return result;
}

// Constants beyond this are kept by executables alone.
constexpr int64_t kKeptConstant = 1024;

}  // namespace

std::shared_ptr<const Model> Model::load(const std::string& model, const SessionOptions& options) {
  if (is_compiled_model(model)) return load_compiled(model, options);
  return compile(read_model(model, {options.batch, options.input_shapes}), options);
}

std::shared_ptr<const Model> Model::load_compiled(const std::string& path, const SessionOptions& options) {
  if (options.batch || !options.input_shapes.empty()) fail(ErrorCode::invalid_argument, "{} is compiled, its shapes are fixed: leave out the batch, or compile the model again", path);
  if (!options.disabled_passes.empty() || !options.force_kernel.empty()) fail(ErrorCode::invalid_argument, "{} is compiled: no pass can be left out and no kernel chosen any more", path);
  if (!options.precision.empty()) fail(ErrorCode::invalid_argument, "{} is compiled: its precision was chosen then; leave out --precision", path);
  if (!options.substitutions.empty()) fail(ErrorCode::invalid_argument, "{} is compiled: no operator can be substituted any more. Give --substitute to ropeway compile", path);
  const auto backend = std::dynamic_pointer_cast<const ascend::AscendBackend>(make_backend(options, path));
  if (!backend) fail(ErrorCode::invalid_argument, "{} is compiled for an NPU: it cannot run on {}", path, resolve_device(options.device, path));
  const auto executable = backend->load(path, options.run_seconds);
  std::shared_ptr<Model> model(new Model);
  Graph& graph = model->graph_;
  graph.name = std::filesystem::path(path).filename().string();
  graph.source = path;
  for (const ascend::Port& port : executable->inputs()) graph.inputs.push_back(graph.add_value(port.name, port.type));
  for (const ascend::Port& port : executable->outputs()) graph.outputs.push_back(graph.add_value(port.name, port.type));
  model->inputs_ = describe(graph, graph.inputs);
  model->outputs_ = describe(graph, graph.outputs);
  model->plan_.segments.push_back({0, {}, graph.inputs, graph.outputs});
  model->plan_.devices.push_back(backend->info().name);
  model->backends_.push_back(backend);
  model->executables_.push_back(executable);
  return model;
}

std::shared_ptr<const Model> Model::compile(Graph graph, const SessionOptions& options, std::span<const int> pieces) { return compile(std::move(graph), options, pieces, nullptr); }

std::shared_ptr<const Model> Model::compile_like(const Model& whole, Graph graph, const SessionOptions& options) { return compile(std::move(graph), options, {}, &whole); }

std::shared_ptr<const Model> Model::compile(Graph graph, const SessionOptions& options, std::span<const int> pieces, const Model* like) {
  if (!(options.weight_growth >= 1)) fail(ErrorCode::invalid_argument, "weight_growth is {:g}; weights cannot take less than they are, so it is 1 or more", options.weight_growth);
  std::shared_ptr<Model> model(new Model);
  model->backends_.push_back(make_backend(options, ""));
  const std::optional<Chip> chip = chip_of(model->backends_[0]);
  if (chip) model->backends_.push_back(make_cpu_backend(options.threads));
  PreparedModel prepared = prepare(std::move(graph), options, chip ? &*chip : nullptr);
  CompileOptions compile_options{options.disabled_passes, options.force_kernel, options.weight_growth, options.compile_seconds, options.run_seconds, options.time_steps};
  const std::vector<Candidate> candidates = candidates_for(prepared.graph, model->backends_);
  PlanOptions plan_options{pieces, options.fallback, {}};
  if (like != nullptr) plan_options.placements = model->follow(*like, prepared.graph, candidates[0]);
  model->plan_ = make_plan(prepared.graph, candidates, plan_options);
  if (options.precision == "auto" && like == nullptr) model->keep_ = choose_precision(prepared, options, nodes_on_host(model->plan_));
  model->graph_ = std::move(prepared.graph);
  model->inputs_ = std::move(prepared.inputs);
  model->outputs_ = std::move(prepared.outputs);
  model->masks_ = std::move(prepared.masks);
  model->notes_ = std::move(prepared.notes);
  model->seed_ = options.seed;
  compile_options.keep = model->keep_;
  model->compile_segments(candidates, compile_options, options.fallback && like == nullptr);
  if (!chip && options.precision == "fp16") model->notes_.push_back(half_weights_note(weights_of(model->executables_)));
  if (!options.force_kernel.empty()) check_kernel(options.force_kernel, model->graph_, model->executables_);
  return model;
}

std::vector<Placement> Model::follow(const Model& whole, const Graph& graph, const Candidate& first) {
  const auto same = same_nodes(graph, whole.graph_);
  std::vector<Placement> placements;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Support& support = first.supports[n];
    if (same[n]) placements.push_back(whole.plan_.placements[*same[n]]);
    else placements.push_back({support.yes ? size_t{0} : size_t{1}, support.yes ? "it is the preferred device" : fmt::format("{} declined: {}", first.name, support.why_not)});
    if (same[n] && whole.keep_.contains(static_cast<int>(*same[n]))) keep_.insert(static_cast<int>(n));
  }
  return placements;
}

void Model::compile_segments(std::span<const Candidate> candidates, const CompileOptions& options, bool fallback) {
  Graph& planned = graph_;
  const std::vector<Segment>& segments = plan_.segments;
  std::vector<Graph> parts;
  for (const Segment& segment : segments) parts.push_back(extract(planned, segment));
  // From here on each part alone holds its weights, and frees them as they are packed.
  std::vector<bool> delivered(planned.values.size(), false);
  for (const ValueId id : planned.outputs) delivered[static_cast<size_t>(id)] = true;
  for (size_t i = 0; i < planned.values.size(); ++i) {
    if (!delivered[i] && planned.values[i].constant && planned.values[i].constant->count() > kKeptConstant) planned.values[i].constant.reset();
  }
  for (size_t s = 0; s < segments.size(); ++s) {
    CompileOptions own = options;
    own.keep = kept_in(segments[s].nodes, options.keep);
    if (segments[s].backend == 0 && backends_.size() > 1 && fallback) {
      try {
        executables_.push_back(backends_[0]->compile(parts[s], own));  // a copy, whose constants are shared
        continue;
      } catch (const Error& error) {
        // What atc, or the ONNX file that it reads, cannot do with this model the CPU can. Of a device, a disk or a missing atc a fallback would only hide the failure.
        if (dynamic_cast<const ascend::CompilerError*>(&error) == nullptr && error.code() != ErrorCode::unsupported) throw;
        compute_on_cpu(candidates, s, reason_of(error));
      }
    }
    executables_.push_back(backends_[segments[s].backend]->compile(std::move(parts[s]), own));
  }
}

void Model::compute_on_cpu(std::span<const Candidate> candidates, size_t segment, const std::string& reason) {
  const size_t operators = plan_.segments[segment].nodes.size();
  const Node& first = graph_.nodes[static_cast<size_t>(plan_.segments[segment].nodes[0])];
  notes_.push_back(fmt::format("{} operator{} (first: {} at {}) run on the CPU, because they could not be compiled for the NPU: {}", operators, operators == 1 ? "" : "s", name(first.op), to_string(first.origin), reason));
  move_segment(plan_, graph_, candidates, segment, "they could not be compiled for the NPU");
}

bool Model::is_split() const {
  return std::any_of(plan_.segments.begin(), plan_.segments.end(), [](const Segment& each) { return each.backend != 0; });
}

std::optional<size_t> Model::backend_of_output(size_t output) const {
  const int node = producers(graph_)[static_cast<size_t>(graph_.outputs[output])];
  return node < 0 ? std::nullopt : std::optional(plan_.placements[static_cast<size_t>(node)].backend);
}

DeviceInfo Model::info() const {
  DeviceInfo result = backends_[0]->info();
  if (result.chip.empty() && weights_of(executables_).half_weights == 0) result.precision = "fp32";  // 16-bit weights were asked for, but no kernel has any
  if (!is_split()) return result;
  const DeviceInfo cpu = backends_[1]->info();
  const bool on_npu = std::any_of(plan_.segments.begin(), plan_.segments.end(), [](const Segment& each) { return each.backend == 0; });
  result.title = on_npu ? fmt::format("{} + {}", result.title, cpu.title) : fmt::format("{} alone", cpu.title);
  result.precision = on_npu ? fmt::format("{} + {}", result.precision, cpu.precision) : cpu.precision;
  result.predicted = result.predicted && on_npu;
  result.compiles_whole = false;
  result.threads = cpu.threads;
  return result;
}

Model::~Model() = default;

std::string Model::why_not_timed() const {
  for (const auto& executable : executables_) {
    if (executable->steps().size() == 1 && executable->steps()[0].kernel == "om") return executable->steps()[0].note;
  }
  return "";
}

std::unique_ptr<ModelContext> Model::make_context() const {
  auto context = std::make_unique<ModelContext>();
  context->values.resize(graph_.values.size());
  for (size_t i = 0; i < graph_.values.size(); ++i) {
    if (graph_.values[i].constant) context->values[i] = *graph_.values[i].constant;
  }
  for (size_t i = inputs_.size(); i < graph_.inputs.size(); ++i) context->values[static_cast<size_t>(graph_.inputs[i])] = Tensor(graph_.type(graph_.inputs[i]));
  context->converted.resize(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (graph_.type(graph_.inputs[i]) != inputs_[i].type) context->converted[i] = Tensor(graph_.type(graph_.inputs[i]));
  }
  for (size_t s = 0; s < plan_.segments.size(); ++s) {
    context->contexts.push_back(executables_[s]->make_context());
    context->inputs.emplace_back(plan_.segments[s].inputs.size());
    context->outputs.emplace_back(plan_.segments[s].outputs.size());
    for (const ValueId id : plan_.segments[s].outputs) {
      // A result that is the caller's own buffer needs none here.
      const auto result = std::find(graph_.outputs.begin(), graph_.outputs.end(), id);
      const bool is_callers = result != graph_.outputs.end() && outputs_[static_cast<size_t>(result - graph_.outputs.begin())].type == graph_.type(id);
      if (!is_callers) context->values[static_cast<size_t>(id)] = Tensor(graph_.type(id));
    }
  }
  return context;
}

void Model::draw_masks(ModelContext& context) const {
  if (masks_.empty()) return;
  const uint64_t run = runs_++;
  for (size_t i = 0; i < masks_.size(); ++i) draw_mask(masks_[i], seed_, run, context.values[static_cast<size_t>(graph_.inputs[inputs_.size() + i])]);
}

void Model::run(ModelContext& context, std::span<const Tensor> values, std::span<Tensor> results, std::vector<Trace>* traces) const {
  check_tensors("input", inputs_, values);
  check_tensors("output", outputs_, results);
  const auto at = [&](ValueId id) -> Tensor& { return context.values[static_cast<size_t>(id)]; };
  for (size_t i = 0; i < values.size(); ++i) {
    const bool as_given = graph_.type(graph_.inputs[i]) == inputs_[i].type;
    if (!as_given) convert_at_border("input", inputs_[i].name, values[i], context.converted[i]);
    at(graph_.inputs[i]) = as_given ? values[i] : context.converted[i];
  }
  draw_masks(context);
  // What a node computes for an output goes straight there; inputs and constants handed through are copied below.
  for (const Segment& segment : plan_.segments) {
    for (const ValueId id : segment.outputs) {
      const auto result = std::find(graph_.outputs.begin(), graph_.outputs.end(), id);
      if (result == graph_.outputs.end()) continue;
      const auto i = static_cast<size_t>(result - graph_.outputs.begin());
      if (outputs_[i].type == graph_.type(id)) at(id) = results[i];
    }
  }
  if (traces != nullptr) traces->resize(plan_.segments.size());
  for (size_t s = 0; s < plan_.segments.size(); ++s) {
    const Segment& segment = plan_.segments[s];
    for (size_t i = 0; i < segment.inputs.size(); ++i) context.inputs[s][i] = at(segment.inputs[i]);
    for (size_t i = 0; i < segment.outputs.size(); ++i) context.outputs[s][i] = at(segment.outputs[i]);
    executables_[s]->run(*context.contexts[s], context.inputs[s], context.outputs[s], traces == nullptr ? nullptr : &(*traces)[s]);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    // An input that is handed through need not become narrower on its way.
    const auto input = static_cast<size_t>(std::find(graph_.inputs.begin(), graph_.inputs.end(), graph_.outputs[i]) - graph_.inputs.begin());
    const bool as_given = input < values.size() && values[input].type() == results[i].type();
    const Tensor& source = as_given ? values[input] : at(graph_.outputs[i]);
    if (source.type() != results[i].type()) convert_at_border("output", outputs_[i].name, source, results[i]);
    else if (source.raw() != results[i].raw()) std::copy_n(source.raw(), source.bytes(), results[i].raw());
  }
}

std::vector<Tensor> generated_inputs(const std::vector<ValueInfo>& inputs, double low, double high) {
  const auto moved = [&](auto value) { return static_cast<decltype(value)>(low + (high - low) * (value + 1) / 2); };
  std::vector<Tensor> result;
  for (const ValueInfo& input : inputs) {
    result.emplace_back(input.type);
    if (input.type.dtype == DType::f32) {
      fill_uniform(result.back().data<float>(), stream_seed(input.name));
      if (low != -1 || high != 1) std::ranges::transform(result.back().data<float>(), result.back().data<float>().begin(), moved);
    }
    if (input.type.dtype == DType::f64) {
      for (size_t i = 0; i < result.back().data<double>().size(); ++i) result.back().data<double>()[i] = moved(static_cast<double>(random_uniform(stream_seed(input.name), i)));
    }
  }
  return result;
}

}  // namespace ropeway
