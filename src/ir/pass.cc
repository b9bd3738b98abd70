#include "ir/pass.h"

#include <algorithm>

#include "base/text.h"
#include "ir/verify.h"

namespace ropeway {

Graph run_passes(Graph graph, std::span<const Pass> passes, const std::set<std::string>& disabled, const std::function<void(const Pass&, const Graph&)>& after) {
  for (const std::string& wanted : disabled) {
    const auto pass = std::find_if(passes.begin(), passes.end(), [&](const Pass& each) { return wanted == each.name; });
    if (pass == passes.end()) {
      std::vector<std::string> names;
      for (const Pass& each : passes) {
        if (!each.required) names.emplace_back(each.name);
      }
      fail(ErrorCode::invalid_argument, "there is no pass '{}'; those that can be switched off are {}", wanted, listed(names));
    }
    if (pass->required) fail(ErrorCode::invalid_argument, "pass '{}' cannot be switched off: later stages rely on it", wanted);
  }
  for (const Pass& pass : passes) {
    if (disabled.contains(pass.name)) continue;
    try {
      graph = pass.run(std::move(graph));
      verify(graph);
    } catch (Error& error) {
      error.add_note(fmt::format("in pass {}", pass.name));
      throw;
    }
    if (after) after(pass, graph);
  }
  return graph;
}

}  // namespace ropeway
