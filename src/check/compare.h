// A model's values on a device beside a reference's: which operator goes wrong first.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "accuracy/difference.h"
#include "check/named_values.h"
#include "engine/model.h"

namespace ropeway {

// Errors count relative to the largest finite magnitude of the reference's tensor: a value is over when |device − reference| anywhere exceeds `tolerance` times that, or
// when one of the two is infinite or NaN and the other is not the same (Difference::relative). Integers and booleans alike.
inline constexpr double kTolerance16 = 1e-2;  // for devices that compute in 16 bits: these hold 11 of a number's, and errors add up
inline constexpr double kTolerance32 = 1e-4;  // for those in fp32: sums differ in their order alone
double default_tolerance(const DeviceInfo& device);

struct CompareOptions {
  SessionOptions session;               // the device, and how models are compiled for it; precision "auto" judges by the inputs of the comparison. The reference shares the seed, and the passes
  std::optional<double> tolerance;      // without: the device's default
  bool layers = false;                  // compare the operators' results even when the model's are within tolerance
  size_t batch_bytes = size_t{256} << 20;  // values taken out of a model at once: for more it is compiled again
  std::function<void(const std::string&)> say = [](const std::string&) {};  // told, before it is done, what takes long
};

// One value on both sides.
struct ComparedValue {
  std::string name;    // the value's; of a reference file the name there
  std::string path;    // module path of the operator that computes it; "" when unknown
  std::string node;    // its name in the file; "" for an input or a constant
  std::string kind;    // what it is, in PyTorch's words: "Conv2d"
  TensorType type;
  Difference difference;  // result: the device's
  bool over = false;
  bool on_cpu = false;  // of a split model: the CPU computes it on the device's side too
};

struct Comparison {
  std::string model, device, title;  // title: "virtual Ascend310B1"
  std::string reference;             // "cpu", or the file
  bool predicted = false;            // the device's values are a model's of a chip
  std::string split;                 // how NPU and CPU share the model, in a sentence; "" for a device that has no fallback
  double tolerance = 0;
  std::vector<ComparedValue> outputs;  // of the model as it is compiled usually; those that the reference has
  bool layers_compared = false;
  bool layers_from_file = false;       // of the reference file; else they are the CPU's
  std::vector<ComparedValue> layers;   // in topological order
  std::optional<size_t> first_over;    // in layers
  std::optional<Difference> own;       // of the first operator over tolerance: its error by itself, fed with the reference's values
  std::vector<std::string> unmatched;  // names in the reference file that are none of the model's
  std::vector<std::string> notes;      // sentences: of the model on the device, and of what this comparison cannot say

  bool outputs_over() const;
  bool over() const;  // of the outputs or of the layers any
};

// Runs `graph`, as it was read, on the device and on the CPU in fp32, where each operator computes by itself. First the outputs; when one is over tolerance, or on
// request, the result of each operator of the graph after passes, taken out by compiling it again with further outputs: on a real device minutes of atc. That changes
// what the device's compiler fuses, so that an error may come and go; then a note says so. Of a split model every operator stays where it is; what the NPU's compiler cannot
// take when it looks within is an error, for there the CPU would be compared with itself.
// `named`, when given, takes the CPU's place: then the layers are those that it has, of the graph as it was read; where it has none, those of the CPU.
// Throws as Model::compile and Model::run do.
Comparison compare(const Graph& graph, std::span<const Tensor> inputs, const CompareOptions& options, const NamedValues* named = nullptr);

// For people, within kTableWidth columns: the outputs, the worst layers (`all`: each) and the first one over tolerance.
std::string to_table(const Comparison& comparison, bool all);
// For programs: an object, schema 1. What is infinite or NaN is null there.
std::string to_json(const Comparison& comparison);

}  // namespace ropeway
