#include "engine/compile.h"

#include "ascend/compiler.h"
#include "ascend/device.h"
#include "ascend/verdict.h"
#include "base/text.h"
#include "chip/soc.h"
#include "engine/devices.h"
#include "engine/placing.h"
#include "engine/precision.h"
#include "ops/operator.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "passes/substitute.h"

namespace ropeway {
namespace {

std::string chosen_soc(const std::string& soc, const cann::Installation& installation) {
  if (soc.empty()) {
    try {
      return ascend::Device::open(installation)->soc();
    } catch (Error& error) {
      error.add_note("while asking which chip is here: --soc says which one to compile for, and it need not be here");
      throw;
    }
  }
  if (!installation.is_virtual || chip::find_soc(soc) != nullptr) return soc;
  std::vector<std::string> names;
  for (const chip::Soc& each : chip::socs()) names.emplace_back(each.name);
  fail(ErrorCode::invalid_argument, "there is no virtual {}; there is {}", soc, listed(names));
}

// Dropout that draws a mask for every run, as "Dropout at features.3 (dropout)".
std::vector<std::string> random_nodes(const Graph& graph) {
  std::vector<std::string> result;
  for (const Node& node : graph.nodes) {
    const bool draws = is_random(node.op, node.params) && node.get<DropoutParams>().ratio > 0 && node.get<DropoutParams>().ratio < 1;
    if (draws) result.push_back(fmt::format("{} at {}", name(node.op), to_string(node.origin)));
  }
  return result;
}

}  // namespace

std::filesystem::path compile_for_npu(Graph graph, const std::string& soc, const SessionOptions& options, std::vector<std::string>& notes) {
  for (const std::string& each : options.substitutions) graph = substitute(std::move(graph), each).graph;
  if (const auto random = random_nodes(graph); !random.empty()) {
    fail(ErrorCode::unsupported, "a compiled file cannot draw the masks of dropout in training mode: run the model itself, which draws them, or export it after .eval(). It has\n  {}", fmt::join(random, "\n  "));
  }
  std::vector<DropoutMask> none;
  graph = lower_training_dropout(std::move(graph), none);
  const cann::Installation installation = npu_installation(options.device);
  ascend::CompilerOptions compiler{chosen_soc(soc, installation), options.compile_seconds, nullptr, npu_precision(options.precision)};
  std::set<std::string> disabled = options.disabled_passes;
  disabled.erase("fuse");  // the CPU backend's own
  graph = run_passes(std::move(graph), pipeline(), disabled);
  Narrowing narrowing;
  graph = narrow(std::move(graph), false, narrowing);
  for (const std::string& note : notes_on(narrowing, compiler.soc)) notes.push_back(note);
  std::vector<std::string> impossible;
  const std::vector<Support> supports = ascend::supports(graph, {compiler.soc, ascend::nearest_version(installation.version), compiler.precision});
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!supports[n].yes) impossible.push_back(fmt::format("{} at {}: {}", name(graph.nodes[n].op), to_string(graph.nodes[n].origin), supports[n].why_not));
  }
  if (!impossible.empty()) fail(ErrorCode::unsupported, "{} of {} operators cannot run on {}:\n  {}", impossible.size(), graph.nodes.size(), compiler.soc, fmt::join(impossible, "\n  "));
  const std::string model = graph.name;
  if (options.precision == "auto") compiler.keep = choose_precision(graph, options, notes);
  return ascend::compile_om(ascend::make_atc_input(std::move(graph)), model, installation, compiler).path;
}

}  // namespace ropeway
