// The Ascend backend: Graph → ONNX → atc → .om → CANN's aclmdl functions. A segment is compiled whole; what happens inside is the compiler's.
#pragma once

#include <filesystem>
#include <memory>

#include "ascend/om_executable.h"
#include "backend/backend.h"
#include "cann/installation.h"

namespace ropeway::ascend {

class AscendBackend final : public Backend {
 public:
  // Opens device 0. Throws Error{device}.
  explicit AscendBackend(const cann::Installation& installation);

  std::vector<Support> supports(const Graph& graph) const override;
  // Throws as compile_om and OmExecutable do.
  std::shared_ptr<const Executable> compile(Graph segment, const CompileOptions& options) const override;
  DeviceInfo info() const override;

  // A model that is compiled already. Throws Error{invalid_model} for one that is none, or was made by a compiler whose models this device cannot run.
  std::shared_ptr<const OmExecutable> load(const std::filesystem::path& om, double run_seconds = 120) const;

 private:
  void time_operators(OmExecutable& executable, const Graph& segment, const struct AtcInput& input) const;

  std::shared_ptr<const Device> device_;
};

// What the chip cannot compute at all, whatever the compiler. "" when nothing is known against it.
std::string why_not_on_chip(const Graph& graph, const Node& node, const std::string& soc);

}  // namespace ropeway::ascend
