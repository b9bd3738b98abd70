#include "cpu/backend.h"

#include <algorithm>
#include <fstream>

#include "base/env.h"
#include "base/text.h"
#include "cpu/implementations.h"
#include "cpu/processor.h"
#include "cpu/program.h"
#include "cpu/simd.h"

namespace ropeway {
namespace {

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, bool half_weights) : pool_(std::make_shared<ThreadPool>(threads == 0 ? available_processors() : threads)), half_weights_(half_weights) {}

  std::vector<Support> supports(const Graph& graph) const override {
    std::vector<Support> result;
    for (const Node& node : graph.nodes) result.push_back(support_of(graph, node));
    return result;
  }

  std::shared_ptr<const Executable> compile(Graph segment, const CompileOptions& options) const override { return cpu::compile_program(std::move(segment), options, pool_, half_weights_); }

  DeviceInfo info() const override {
    DeviceInfo result;
    result.name = result.title = "cpu";
    std::ifstream cpuinfo("/proc/cpuinfo");
    result.description = cpu::processor_name(cpuinfo);
    result.precision = half_weights_ ? "fp16 weights" : "fp32";
    result.threads = pool_->threads();
    result.details.emplace_back("SIMD", cpu::simd_in_use());
    result.details.emplace_back("SIMD targets", fmt::format("{}", fmt::join(cpu::simd_available(), ", ")));
    result.details.emplace_back("processors", std::to_string(available_processors()));
    return result;
  }

 private:
  Support support_of(const Graph& graph, const Node& node) const {
    const cpu::KernelRequest request{graph, node, {}, cpu::Layout::plain, pool_.get()};
    std::string reasons;
    for (const cpu::Implementation& row : cpu::implementations(node.op)) {
      const std::string why = row.declines(request);
      if (why.empty()) return {true, "", std::nullopt};
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", row.name, why);
    }
    return {false, reasons, std::nullopt};
  }

  std::shared_ptr<ThreadPool> pool_;
  const bool half_weights_;
};

}  // namespace

std::shared_ptr<const Backend> make_cpu_backend(int threads, bool half_weights) {
  cpu::choose_simd();
  return std::make_shared<CpuBackend>(threads, half_weights);
}

}  // namespace ropeway
