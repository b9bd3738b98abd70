// The contract between the engine and what computes: three verbs.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// Whether a backend can compute a node.
struct Support {
  bool yes = false;
  std::string why_not;                 // when it cannot: why, and what would help
  std::optional<double> predicted_ms;  // what it would cost there, when that is known; 0 for a node that is part of an operator named after another
};

struct DeviceInfo {
  std::string name;         // "cpu"
  std::string title;        // over its column of a table: "cpu", "virtual Ascend310B1"
  std::string description;  // the processor or chip, as its maker calls it
  std::string precision;    // of arithmetic: "fp32"; "fp16 weights": of 16 bits as they are stored, computed with in fp32
  int threads = 1;
  bool predicted = false;   // times are a model's, not a clock's
  bool compiles_whole = false;  // a compiler of the device's makes one piece of a segment
  bool times_steps = true;      // can time the steps of a segment; false: only its time as a whole is known
  std::string chip;             // of an NPU, as CANN has it: "Ascend310B1"; "" for the CPU
  double copy_us = 0;           // of a copy between its memory and the host's, whatever its size
  double copy_gb_per_s = 0;     // 10^9 bytes; 0: it computes in the host's memory, nothing is copied
  std::vector<std::pair<std::string, std::string>> details;  // shown by `ropeway devices`
};

struct CompileOptions {
  std::set<std::string> disabled_passes;  // by name; those that a backend does not have are ignored
  std::string force_kernel;               // use the implementation of this name wherever it can serve; "" for none
  double weight_growth = 3;               // weights that the CPU transforms for faster algorithms may make all of the graph's together so many times as large
  double compile_seconds = 3600;          // after which a device's compiler is stopped
  double run_seconds = 120;               // after which a device that does not answer is given up
  bool time_steps = false;                // steps() and traces are to tell the device's operators one by one, where it can
  std::set<int> keep = {};                // nodes of the segment that are to compute in f32 although the device would compute them in less
};

// One step of a compiled segment: a node, or several fused into one kernel.
struct StepInfo {
  std::vector<int> nodes;  // indices into the segment's graph: the first is the one that the step is named after. Empty for a change of layout
  int on_behalf_of = -1;   // the node that needs it, for a step without nodes of its own
  std::string kernel;      // implementation that was chosen
  std::string note;        // why better-ranked ones declined
  double flops = 0;        // multiplications and additions of one run
  double bytes = 0;        // weights, inputs and outputs, each once
};

// Times of one run, by step, in milliseconds.
struct Trace {
  std::vector<double> step_ms;
  double device_ms = 0;  // the whole run by the device's own clock, copies to and from it included; 0 for a device without one
};

struct MemoryUse {
  size_t weights = 0;       // bytes, shared by all contexts
  size_t half_weights = 0;  // of these, bytes of weights stored in 16 bits although the model has them in 32
  size_t context = 0;       // bytes of each context
};

// What a caller needs to run an executable: buffers, streams. Not for use by two threads at once.
class Context {
 public:
  virtual ~Context() = default;
};

// A compiled segment: immutable, shared between callers, weights held once.
class Executable {
 public:
  virtual ~Executable() = default;
  virtual std::unique_ptr<Context> make_context() const = 0;
  // Inputs and outputs are those of the segment's graph, in its order and of its types; outputs are allocated by the caller.
  // `trace`, when given, receives a time per step. Several threads may run one executable, each with its own context.
  virtual void run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const = 0;
  virtual const std::vector<StepInfo>& steps() const = 0;
  virtual MemoryUse memory() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  // One per node of the graph: what surrounds a node may decide.
  virtual std::vector<Support> supports(const Graph& graph) const = 0;
  // Takes its own copy of the graph, whose constants it may release once they are packed. Throws Error{unsupported, device, out_of_memory}.
  virtual std::shared_ptr<const Executable> compile(Graph segment, const CompileOptions& options) const = 0;
  virtual DeviceInfo info() const = 0;
};

}  // namespace ropeway
