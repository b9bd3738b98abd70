#include "accuracy/precision.h"

#include <algorithm>

#include "accuracy/examination.h"

namespace ropeway {
namespace {

// Candidates, the most promising first.
std::vector<int> ranked(const Examination& examination, const PrecisionOptions& options) {
  std::vector<int> result;
  for (const int node : can_be_kept(examination.lowered(), options.mode)) {
    if (!options.keep.contains(node)) result.push_back(node);
  }
  const auto promise = [&](int node) {
    const Evidence& each = examination.evidence()[static_cast<size_t>(node)];
    return std::max(each.rounding, each.growth);
  };
  std::ranges::stable_sort(result, std::greater(), promise);
  return result;
}

// Which candidates are needed, by trying.
class Search {
 public:
  Search(const Examination& examination, const PrecisionOptions& options, KeptOperators& result) : examination_(examination), options_(options), result_(result) {}

  // The set that is left; `candidates` reach the tolerance together.
  std::vector<int> run(const std::vector<int>& candidates) { return shrink(grow(candidates)); }

  double error_with(const std::vector<int>& kept) {
    std::set<int> keep = options_.keep;
    keep.insert(kept.begin(), kept.end());
    ++result_.runs;
    return worst(examination_.outputs(keep));
  }

 private:
  // Twice as many of the best, until they are enough.
  std::vector<int> grow(const std::vector<int>& candidates) {
    for (size_t size = 1; size < candidates.size() && result_.runs < options_.most_runs; size *= 2) {
      const std::vector<int> best(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(size));
      if (enough(best)) return best;
    }
    return candidates;
  }

  // Leaves out what is not needed, the least promising first: many at a time as long as that works.
  std::vector<int> shrink(std::vector<int> kept) {
    for (size_t part = std::max<size_t>(kept.size() / 2, 1);; part /= 2) {
      for (size_t end = kept.size(); end > 0 && result_.runs < options_.most_runs;) {
        const size_t begin = end > part ? end - part : 0;
        std::vector<int> fewer = kept;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin), fewer.begin() + static_cast<std::ptrdiff_t>(end));
        if (enough(fewer)) kept = std::move(fewer);
        end = begin;
      }
      if (part == 1) return kept;
    }
  }

  bool enough(const std::vector<int>& kept) {
    const double error = error_with(kept);
    if (error > options_.tolerance) return false;
    result_.error_after = error;
    return true;
  }

  const Examination& examination_;
  const PrecisionOptions& options_;
  KeptOperators& result_;
};

}  // namespace

PrecisionReport examine_precision(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options) { return Examination(graph, inputs, options).report(); }

KeptOperators keep_for_tolerance(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options) {
  KeptOperators result;
  Examination examination(graph, inputs, options);
  result.runs = 1;
  result.error_before = result.error_after = worst(examination.outputs(options.keep));
  result.reached = result.error_before <= options.tolerance;
  if (result.reached) return result;
  examination.report();
  Search search(examination, options, result);
  const std::vector<int> candidates = ranked(examination, options);
  result.error_after = search.error_with(candidates);
  result.reached = result.error_after <= options.tolerance;
  if (!result.reached) return result;
  std::vector<int> kept = search.run(candidates);
  std::ranges::sort(kept);
  for (const int node : kept) {
    const std::string& reason = examination.evidence()[static_cast<size_t>(node)].reason;
    result.operators.push_back({node, reason.empty() ? "with others it reads or makes what 16 bits do not hold" : reason});
  }
  return result;
}

}  // namespace ropeway
