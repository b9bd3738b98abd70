// A compiled segment of the CPU backend: steps over numbered buffers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/buffer.h"
#include "cpu/kernel.h"

namespace ropeway::cpu {

// Where a buffer's memory comes from at run time.
enum class Place : uint8_t { none, arena, input, output, constant };

struct Buffer {
  Place place = Place::arena;
  size_t index = 0;   // of the input or output
  size_t offset = 0;  // in the arena
  size_t bytes = 0;
  Tensor constant;
};

struct Step {
  std::unique_ptr<Kernel> kernel;
  std::vector<int> inputs, outputs;  // buffers; -1 for an input left out or packed
  std::string what;                  // the operator and where it is in the model, for errors; "" for a step of no node
};

class Program final : public Executable {
 public:
  std::unique_ptr<Context> make_context() const override;
  void run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const override;
  const std::vector<StepInfo>& steps() const override { return infos_; }
  MemoryUse memory() const override;

 private:
  friend class Compiler;
  std::shared_ptr<ThreadPool> pool_;
  std::vector<Buffer> buffers_;
  std::vector<Step> steps_;
  std::vector<StepInfo> infos_;
  size_t arena_bytes_ = 0;    // buffers, then scratch
  size_t scratch_offset_ = 0;
};

// Fuses, chooses implementations and layouts, packs weights and plans the arena.
// `options.disabled_passes` may hold "fuse". `half_weights` as in KernelRequest.
std::shared_ptr<const Executable> compile_program(Graph graph, const CompileOptions& options, std::shared_ptr<ThreadPool> pool, bool half_weights = false);

}  // namespace ropeway::cpu
