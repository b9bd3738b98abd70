#include "engine/compile.h"

#include "ascend/compiler.h"
#include "ascend/device.h"
#include "ascend/verdict.h"
#include "base/text.h"
#include "chip/soc.h"
#include "engine/devices.h"
#include "engine/precision.h"
#include "engine/prepare.h"
#include "ops/operator.h"

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
  if (const auto random = random_nodes(graph); !random.empty()) {
    fail(ErrorCode::unsupported, "a compiled file cannot draw the masks of dropout in training mode: run the model itself, which draws them, or export it after .eval(). It has\n  {}", fmt::join(random, "\n  "));
  }
  const cann::Installation installation = npu_installation(options.device);
  ascend::CompilerOptions compiler{chosen_soc(soc, installation), options.compile_seconds, nullptr, npu_precision(options.precision)};
  const ascend::Target target{compiler.soc, ascend::nearest_version(installation.version), compiler.precision};
  const Chip chip{compiler.soc, [&](const Graph& each) { return ascend::supports(each, target); }};
  PreparedModel model = prepare(std::move(graph), options, &chip);
  const std::vector<Support> supports = chip.supports(model.graph);
  std::vector<std::string> impossible;
  for (size_t n = 0; n < supports.size(); ++n) {
    const Node& node = model.graph.nodes[n];
    if (!supports[n].yes) impossible.push_back(fmt::format("{} at {}: {}", name(node.op), to_string(node.origin), supports[n].why_not));
  }
  if (!impossible.empty()) fail(ErrorCode::unsupported, "{} of {} operators cannot run on {}:\n  {}", impossible.size(), supports.size(), compiler.soc, fmt::join(impossible, "\n  "));
  if (options.precision == "auto") compiler.keep = choose_precision(model, options);
  notes.insert(notes.end(), model.notes.begin(), model.notes.end());
  const std::string model_name = model.graph.name;
  return ascend::compile_om(ascend::make_atc_input(std::move(model.graph)), model_name, installation, compiler).path;
}

}  // namespace ropeway
