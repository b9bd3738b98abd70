// What an NPU's 16-bit floats do to a model on given inputs, found on the CPU with the chip's numerics (chip/numerics.h): no device is needed. A prediction.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "accuracy/difference.h"
#include "chip/precision.h"
#include "ir/graph.h"

namespace ropeway {

// Largest error of a result, relative to its largest value, that 16 bits may cause before it counts. One rounding to 16 bits is an error of up to 5e-4; over the tens of
// roundings in a row of common networks a few 1e-3 come of it. What is beyond 1e-2 is more than roundings that add up: something overflows, vanishes or cancels.
inline constexpr double kTolerance = 1e-2;

struct PrecisionOptions {
  chip::PrecisionMode mode = chip::PrecisionMode::force_fp16;
  std::set<int> keep = {};                      // nodes of the graph that keep fp32
  double tolerance = kTolerance;
  int threads = 0;                              // as SessionOptions has it
  size_t observed_bytes = size_t{256} << 20;    // of results that are held at once
  int most_runs = 64;                           // of the model, in a search
};

// What becomes of one node's results.
struct OperatorPrecision {
  int node = 0;            // of the graph
  int64_t elements = 0;    // of its results, those of the operators counted that it is lowered to
  int64_t overflows = 0;   // elements too large for 16 bits, which the chip makes ±65504
  int64_t lost = 0;        // elements that are not zero, but zero in 16 bits
  int64_t nans = 0;        // elements that are NaN, which the chip makes 0; those that are NaN in fp32, too, do not count
  double largest = 0;      // |fp32 result|
  Difference difference;   // of its (worst) result, with all errors before it, from fp32; of a node without floating-point results, count 0
};

// A constant whose elements 16 bits do not hold. Listed, no more: whether that matters, the end result says.
struct WeightPrecision {
  std::string name;
  int64_t elements = 0, zeros = 0, overflows = 0;  // not zero, but zero in 16 bits; too large for them
};

struct PrecisionReport {
  std::vector<OperatorPrecision> operators;  // by node, all of them
  std::vector<WeightPrecision> weights;      // those with zeros or overflows
  std::vector<Difference> outputs;           // by output of the graph
  double error = 0;                          // the largest of outputs[i].relative(); infinite where an output holds an infinity or NaN that is none in fp32
  bool within(double tolerance) const { return error <= tolerance; }
};

// Runs a planned graph (after passes) in fp32 and as the chip would compute it, and compares every node's results. `inputs`: of the graph's types, in its order. Results are observed in
// batches of options.observed_bytes: each batch is one run of both. Where the node is lowered to several operators of ONNX opset 17 (attention, GELU), all of them are looked at.
// Throws Error{invalid_argument, unsupported, out_of_memory}.
PrecisionReport examine_precision(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options = {});

struct KeptOperator {
  int node = 0;
  std::string reason;  // "its results reach 3.1e+05, 16 bits end at 65504"
};

struct KeptOperators {
  bool reached = false;                  // the tolerance, with what is kept
  std::vector<KeptOperator> operators;   // ascending by node; none when nothing needs to be kept, or nothing helps
  double error_before = 0;               // of the end results, as PrecisionReport::error: with options.keep alone
  double error_after = 0;                // with the operators kept as well; when not reached, with all that can be kept
  int runs = 0;                          // of the model, that it took
};

// A smallest set of nodes that, kept in fp32, brings the end results within options.tolerance: each of them is needed, given the others (unless options.most_runs ended the search before).
// Candidates are the operators that the chip has in 32 bits, ranked by what 16 bits do to their exact operands and results, and by how much the error grows in them.
// Takes examine_precision and up to most_runs compilations and runs on the CPU. Throws as that does.
KeptOperators keep_for_tolerance(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options = {});

}  // namespace ropeway
