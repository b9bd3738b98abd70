// The Ascend backend: Graph → ONNX → atc → .om → CANN's aclmdl functions. A segment is compiled whole; what happens inside is the compiler's.
#pragma once

#include <filesystem>
#include <memory>

#include "ascend/om_executable.h"
#include "backend/backend.h"
#include "cann/installation.h"
#include "chip/precision.h"

namespace ropeway::ascend {

class AscendBackend final : public Backend {
 public:
  // Opens device 0. Throws Error{device}. `precision`: of what it compiles, and in which info() says its results are.
  explicit AscendBackend(const cann::Installation& installation, chip::PrecisionMode precision = chip::PrecisionMode::force_fp16, bool keeps_some = false);

  std::vector<Support> supports(const Graph& graph) const override;
  // Throws as compile_om and OmExecutable do.
  std::shared_ptr<const Executable> compile(Graph segment, const CompileOptions& options) const override;
  DeviceInfo info() const override;

  // A model that is compiled already. Throws Error{invalid_model} for one that is none, or was made by a compiler whose models this device cannot run.
  std::shared_ptr<const OmExecutable> load(const std::filesystem::path& om, double run_seconds = 120) const;

 private:
  void time_operators(OmExecutable& executable, const Graph& segment, const struct AtcInput& input) const;

  std::shared_ptr<const Device> device_;
  chip::PrecisionMode precision_;
  bool keeps_some_;  // some operators may keep f32
};

}  // namespace ropeway::ascend
