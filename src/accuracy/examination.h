// What examine_precision and keep_for_tolerance share.
#pragma once

#include "accuracy/observe.h"
#include "accuracy/precision.h"

namespace ropeway {

inline constexpr double kLargestHalf = 65504;

// What a search goes by, of a node of the graph.
struct Evidence {
  double rounding = 0;  // largest error that 16 bits alone make in one of its exact operands or results, relative to its largest value
  double growth = 0;    // of the relative error, from its operands to its results
  std::string reason;
};

class Examination {
 public:
  // Keeps references to `inputs` and `options`.
  Examination(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options);

  // Every operator's result, for the nodes that options.keep has.
  PrecisionReport report();
  const std::vector<Evidence>& evidence() const { return evidence_; }  // after report(): by node
  const LoweredGraph& lowered() const { return lowered_; }
  // The end results with these nodes kept.
  std::vector<Difference> outputs(const std::set<int>& keep) const;

 private:
  void visit(const Observed& seen, PrecisionReport& report);
  void weigh(const Observed& seen, const Difference& difference);

  const std::vector<Tensor>& inputs_;
  const PrecisionOptions& options_;
  LoweredGraph lowered_;
  std::shared_ptr<const Backend> cpu_;
  std::vector<Tensor> expected_;    // the end results in fp32
  std::vector<Evidence> evidence_;
  std::vector<double> error_, rounding_;  // by value of the lowered graph: relative, as it comes out; that 16 bits alone make in its exact elements
};

// The largest of their relative errors; 0 for none.
double worst(const std::vector<Difference>& differences);

}  // namespace ropeway
