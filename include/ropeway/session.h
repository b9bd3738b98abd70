// Running a model: load once, run from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ropeway/error.h"
#include "ropeway/tensor.h"

namespace ropeway {

struct SessionOptions {
  std::string device = {};                         // a name that `ropeway devices` lists, or "auto": npu if there is one, else cpu. "": what a compiled model (.om) is for, else cpu
  int threads = 0;                                 // of the CPU backend; 0: every processor that this process may use
  std::optional<int64_t> batch = {};               // size of the first dimension of every input; an error where the model fixes another one
  std::map<std::string, Shape> input_shapes = {};  // for symbolic dimensions, by input name
  std::set<std::string> disabled_passes = {};      // names as in `ropeway inspect --stage passes`
  std::string force_kernel = {};                   // use this implementation wherever it can serve; an error where it cannot serve at all
  double weight_growth = 3;                        // weights that the CPU transforms for faster algorithms may make all of a model's together (where it is split, all of a part's) so many times as large; 1: none is transformed. At least 1
  double compile_seconds = 3600;                   // after which an NPU's compiler is stopped
  double run_seconds = 120;                        // after which a run on an NPU that does not answer ends in an error
  bool fallback = true;                            // false: an operator that an NPU cannot compute is an error, instead of computed on the CPU
  std::string precision = {};                      // of an NPU. "": its default, fp16; "auto": fp16, but for the operators that must have fp32 for results within `tolerance`; or a mode of atc's: allow_fp32_to_fp16, must_keep_origin_dtype, force_fp32. Of the CPU. "" or "fp32"; "fp16": weights are stored in 16 bits where a kernel can use them so, arithmetic stays fp32
  double tolerance = 1e-2;                         // largest error of a result, relative to its largest value, that "auto" accepts
  std::vector<Tensor> samples = {};                // inputs by which "auto" judges, in the model's order; none: what the file brings along, else generated ones
  uint64_t seed = 0;                               // of the masks that dropout in training mode draws: each run draws its own, a seed gives the same sequence of runs on every device
  std::vector<std::string> substitutions = {};     // other functions in the place of the model's, only on request: "maxpool=avgpool" makes average pools of all max pools
  bool time_steps = false;                         // have an NPU's profiler time the operators of a model one by one: for reports
};

struct ValueInfo {
  std::string name;
  TensorType type;
};

// A model, compiled for one device. Immutable after loading, so any number of threads may run it at once; each call
// borrows a context (arena, device buffers) and returns it, and contexts are kept for later calls.
class Session {
 public:
  // `model`: a built-in model's name ("alexnet", "lenet", "resnet34") or the path of a .pt2, .onnx or compiled .om file, recognised by its content.
  // Throws Error{not_found, invalid_model, unsupported, invalid_argument, io, device, out_of_memory}.
  static Session load(const std::string& model, const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<ValueInfo>& inputs() const;   // in the model's order
  const std::vector<ValueInfo>& outputs() const;

  // One run. `values` are the inputs in the order of inputs(), of exactly their types.
  // Throws Error{invalid_argument} that names the input, what was expected and what was given.
  std::vector<Tensor> run(std::span<const Tensor> values) const;
  // The same into tensors that the caller allocated, of the types of outputs(). After the first call of a thread this allocates nothing.
  void run(std::span<const Tensor> values, std::span<Tensor> results) const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ropeway
