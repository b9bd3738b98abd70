// The pipeline: file → Graph → passes → Plan → executables, and running them. `Session` is its public face.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/devices.h"
#include "engine/prepare.h"
#include "formats/formats.h"
#include "passes/lower.h"
#include "plan/plan.h"
#include "ropeway/session.h"

namespace ropeway {

// Contexts and boundary buffers of one caller. Holds on to the tensors of its last run.
struct ModelContext {
  std::vector<std::unique_ptr<Context>> contexts;    // by segment
  std::vector<Tensor> values;                        // by value of the graph; those that cross segments are allocated once
  std::vector<std::vector<Tensor>> inputs, outputs;  // by segment
  std::vector<Tensor> converted;                     // by input of the graph: for those of another dtype than the model's
};

// A model ready to run. Immutable, but for the number of its runs where masks are drawn; any number of threads may run it, each with its own context.
class Model {
 public:
  static std::shared_ptr<const Model> load(const std::string& model, const SessionOptions& options);
  // From a graph that is already there. `pieces`: see make_plan; a number per node of graph() as it is after passes.
  static std::shared_ptr<const Model> compile(Graph graph, const SessionOptions& options, std::span<const int> pieces = {});
  // A part of `whole`'s graph, or the same with further outputs, to look into it: each operator goes to the device that has it in `whole`, and is kept in fp32 where it is
  // there. They know each other by the names of their results. What the NPU's compiler cannot take then is an error, without a fallback.
  static std::shared_ptr<const Model> compile_like(const Model& whole, Graph graph, const SessionOptions& options);
  ~Model();

  // The planned graph, after passes and in types that the device has; behind the model's inputs it has the masks of dropout in training mode, which run() draws.
  // Its larger constants are gone (each lives, packed, in an executable). Of a compiled model: inputs and outputs without nodes.
  const Graph& graph() const { return graph_; }
  const Plan& plan() const { return plan_; }
  const Backend& backend(size_t i) const { return *backends_[i]; }
  // The device that was asked for, as it is used: a title that names all that compute, its precision, and whether any time is predicted.
  DeviceInfo info() const;
  // Whether the CPU computes some of what an NPU was asked to.
  bool is_split() const;
  // Where an output comes from, as an index into backends(); nothing for one that no node computes.
  std::optional<size_t> backend_of_output(size_t output) const;
  std::span<const std::shared_ptr<const Backend>> backends() const { return backends_; }
  // By segment of the plan. Node i of its steps is node plan().segments[s].nodes[i] of graph().
  const std::vector<std::shared_ptr<const Executable>>& executables() const { return executables_; }
  // What a device says that could not time the operators of a compiled model, though options.time_steps asked for it; "" when it could, and was not asked.
  std::string why_not_timed() const;
  // What its user should be told of how it will run: sentences, without "note:". Usually none.
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<ValueInfo>& inputs() const { return inputs_; }
  const std::vector<ValueInfo>& outputs() const { return outputs_; }

  std::unique_ptr<ModelContext> make_context() const;
  // Inputs and outputs in the model's order. Masks are those of this model's next run: see SessionOptions::seed. `traces`, when given, receives one Trace per segment.
  // Throws Error{invalid_argument} for a wrong number, type or shape: what is expected against what is given.
  void run(ModelContext& context, std::span<const Tensor> values, std::span<Tensor> results, std::vector<Trace>* traces) const;

 private:
  Model() = default;
  static std::shared_ptr<const Model> compile(Graph graph, const SessionOptions& options, std::span<const int> pieces, const Model* like);
  // How `whole` places and keeps the nodes of this one's graph.
  std::vector<Placement> follow(const Model& whole, const Graph& graph, const Candidate& first);
  void compile_segments(std::span<const Candidate> candidates, const CompileOptions& options, bool fallback);
  void compute_on_cpu(std::span<const Candidate> candidates, size_t segment, const std::string& reason);
  static std::shared_ptr<const Model> load_compiled(const std::string& path, const SessionOptions& options);
  void draw_masks(ModelContext& context) const;
  Graph graph_;
  Plan plan_;
  std::vector<std::shared_ptr<const Backend>> backends_;
  std::vector<std::shared_ptr<const Executable>> executables_;
  std::vector<ValueInfo> inputs_, outputs_;
  std::vector<std::string> notes_;
  std::vector<DropoutMask> masks_;
  std::set<int> keep_;  // nodes that an NPU computes in fp32, by --precision auto
  uint64_t seed_ = 0;
  mutable std::atomic<uint64_t> runs_ = 0;  // of a model with masks
};

// Deterministic inputs for a model, for runs without files: floating point uniform in [low, high), integers 0 (they may be indices), from the counter-based generator.
std::vector<Tensor> generated_inputs(const std::vector<ValueInfo>& inputs, double low = -1, double high = 1);

}  // namespace ropeway
