#include "ascend/backend.h"

#include <numeric>

#include "ascend/cache.h"
#include "ascend/compiler.h"
#include "ascend/steps.h"
#include "base/text.h"
#include "cann/om.h"
#include "ops/work.h"

namespace ropeway::ascend {
namespace {

// The one step that a compiled segment is.
StepInfo whole_step(const Graph& graph) {
  StepInfo step;
  step.nodes.resize(graph.nodes.size());
  std::iota(step.nodes.begin(), step.nodes.end(), 0);
  step.kernel = "om";
  for (const Node& node : graph.nodes) {
    const Work each = work(graph, node);
    step.flops += each.flops;
    step.bytes += each.bytes;
  }
  return step;
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
  if (node.op == Op::MaxPoolIndices) return "CANN's ONNX parser has no operator for the indices of a maximum pool";
  if (node.op == Op::Dropout && node.get<DropoutParams>().training_mode) return "dropout in training mode is not deterministic: export the model after .eval()";
  return "";
}

AscendBackend::AscendBackend(const cann::Installation& installation) : device_(Device::open(installation)) {}

Support AscendBackend::supports(const Graph& graph, const Node& node) const {
  const std::string why_not = why_not_on_chip(graph, node, device_->soc());
  return {why_not.empty(), why_not, std::nullopt};
}

std::shared_ptr<const Executable> AscendBackend::compile(Graph segment, const CompileOptions& options) const {
  const std::string model = segment.name;
  const std::vector<StepInfo> steps = {whole_step(segment)};
  const auto types_of = [&](const std::vector<ValueId>& ids) {
    std::vector<TensorType> result;
    for (const ValueId id : ids) result.push_back(segment.type(id));
    return result;
  };
  const std::pair types(types_of(segment.inputs), types_of(segment.outputs));
  const AtcInput input = make_atc_input(segment);
  for (bool first = true;; first = false) {
    const CompiledOm om = compile_om(input, model, device_->installation(), {device_->soc(), options.compile_seconds});
    try {
      auto executable = std::make_shared<OmExecutable>(device_, om.path, model, steps, options.run_seconds);
      executable->expect_ports(input.input_names, types.first, types.second);
      if (options.time_steps) time_operators(*executable, segment, input);
      return executable;
    } catch (Error& error) {
      std::error_code ignored;
      if (first && !std::filesystem::exists(om.path, ignored)) continue;  // somebody has cleared the cache meanwhile
      if (error.code() != ErrorCode::invalid_model) throw;
      // The caller's model is fine: what atc made of it is not, and must not be found again.
      Cache::open().discard(om.key);
      Error result(ErrorCode::device, error.message());
      result.add_note("it was made by atc just now or before, and is removed from the cache: run this again to compile it anew");
      throw result;
    }
  }
}

// A profiler that refuses is no reason not to run the model: then it is one step, which says why.
void AscendBackend::time_operators(OmExecutable& executable, const Graph& segment, const AtcInput& input) const {
  if (!Subscription::is_available(device_->functions())) return;
  try {
    executable.describe(make_steps(segment, executable.operators(), input.nodes), true);
  } catch (const ProfilerError& error) {
    std::vector<StepInfo> whole = executable.steps();
    whole[0].note = fmt::format("its operators cannot be timed: {}", error.message());
    executable.describe(std::move(whole), false);
  }
}

DeviceInfo AscendBackend::info() const {
  DeviceInfo result;
  const bool is_virtual = device_->installation().is_virtual;
  result.name = is_virtual ? "virtual-npu" : "npu";
  result.title = device_->title();
  result.description = is_virtual ? "a virtual " + device_->soc() + ": computes as the chip does, on this machine's processor" : device_->soc();
  result.precision = "fp16";
  result.predicted = is_virtual;
  result.compiles_whole = true;
  result.times_steps = Subscription::is_available(device_->functions());
  result.details.emplace_back("CANN", to_string(device_->installation()));
  result.details.emplace_back("memory", readable_bytes(static_cast<double>(device_->memory_bytes())));
  return result;
}

std::shared_ptr<const OmExecutable> AscendBackend::load(const std::filesystem::path& om, double run_seconds) const {
  const auto maker = cann::om_maker(File(om));
  if (!maker) fail(ErrorCode::invalid_model, "{} is no compiled model", om.string());
  if (*maker == cann::OmMaker::virtual_atc && !device_->installation().is_virtual) {
    fail(ErrorCode::invalid_argument, "{} was compiled by Ropeway's virtual atc, so that {} cannot run it: compile the model with --device npu, or run this with --device virtual-npu", om.string(), device_->title());
  }
  if (*maker == cann::OmMaker::cann && device_->installation().is_virtual) {
    fail(ErrorCode::invalid_argument, "{} was compiled by CANN's atc, so that only a real NPU can run it: use --device npu, or compile the model with --device virtual-npu", om.string());
  }
  StepInfo step;
  step.kernel = "om";
  return std::make_shared<OmExecutable>(device_, om, om.filename().string(), std::vector<StepInfo>{step}, run_seconds);
}

}  // namespace ropeway::ascend
