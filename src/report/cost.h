// What a model would take on a chip, in the rows of a table: predicted by chip/cost_model.h and chip/eager_cost.h. Needs no device.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "chip/cost_model.h"
#include "report/rows.h"

namespace ropeway {

enum class CostMode : uint8_t {
  compiled,  // as a whole, as `ropeway compile` does it: 16 bits, weights laid out once, operators fused
  eager,     // by PyTorch through torch_npu: an operator at a time, weights laid out at each call
};
const char* name(CostMode mode);

struct CostOptions {
  CostMode mode = CostMode::compiled;
  RowGrouping grouping = RowGrouping::automatic;
  int depth = 0;                          // see make_rows
  std::set<std::string> disabled_passes;  // of the compiled mode; eager execution knows none
};

struct CostRow {
  std::string path;
  std::string description;
  double ms = 0;
  chip::Bound bound = chip::Bound::launch;  // of the operators that take most of the row's time
  size_t operators = 0;
  double flops = 0;
  double bytes = 0;  // between DRAM and the core
};

struct CostReport {
  std::string model;
  std::string soc;
  CostMode mode = CostMode::compiled;
  std::vector<ValueInfo> inputs;
  std::vector<CostRow> rows;
  std::vector<std::string> notes = {};  // see Model::notes

  // The sum of the rows: of the chip's own time, without copies between host and device.
  double total_ms() const;
};

// `as_read` is the graph before passes. Throws Error{unsupported} that names every operator which the chip cannot compute, with its module and the remedy.
CostReport predict_cost(const Graph& as_read, const chip::Soc& soc, const CostOptions& options);

// For people: a line per row with time, share, what it is spent on, arithmetic and traffic. Says that it is predicted, and for which chip.
std::string to_table(const CostReport& report);
// For programs: one JSON object, schema 1; units stand in the names of the keys, rows count from 1.
std::string to_json(const CostReport& report);

}  // namespace ropeway
