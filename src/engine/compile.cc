#include "engine/compile.h"

#include "ascend/backend.h"
#include "ascend/compiler.h"
#include "base/text.h"
#include "chip/soc.h"
#include "engine/devices.h"
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

std::filesystem::path compile_for_npu(Graph graph, const std::string& soc, const SessionOptions& options) {
  for (const std::string& each : options.substitutions) graph = substitute(std::move(graph), each).graph;
  if (const auto random = random_nodes(graph); !random.empty()) {
    fail(ErrorCode::unsupported, "a compiled file cannot draw the masks of dropout in training mode: run the model itself, which draws them, or export it after .eval(). It has\n  {}", fmt::join(random, "\n  "));
  }
  std::vector<DropoutMask> none;
  graph = lower_training_dropout(std::move(graph), none);
  const cann::Installation installation = npu_installation(options.device);
  const ascend::CompilerOptions compiler{chosen_soc(soc, installation), options.compile_seconds};
  std::set<std::string> disabled = options.disabled_passes;
  disabled.erase("fuse");  // the CPU backend's own
  graph = run_passes(std::move(graph), pipeline(), disabled);
  std::vector<std::string> impossible;
  for (const Node& node : graph.nodes) {
    if (const std::string why = ascend::why_not_on_chip(graph, node, compiler.soc); !why.empty()) impossible.push_back(fmt::format("{} at {}: {}", name(node.op), to_string(node.origin), why));
  }
  if (!impossible.empty()) fail(ErrorCode::unsupported, "{} of {} operators cannot run on {}:\n  {}", impossible.size(), graph.nodes.size(), compiler.soc, fmt::join(impossible, "\n  "));
  const std::string model = graph.name;
  return ascend::compile_om(ascend::make_atc_input(std::move(graph)), model, installation, compiler).path;
}

}  // namespace ropeway
