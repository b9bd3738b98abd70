// What a model runs, gathered into the rows of a table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/model.h"
#include "report/describe.h"

namespace ropeway {

// A step of one of a model's executables, in the order of execution. Nodes are numbered as in the model's graph.
struct ModelStep {
  std::vector<int> nodes;  // the first is the one that the step is named after; empty for a change of layout
  int serves = -1;         // the node that needs it, for a step without nodes
  std::string kernel;
  std::string note;  // why better-ranked kernels declined
  double flops = 0;
  double bytes = 0;
};
std::vector<ModelStep> steps_of(const Model& model);
// A step per node, for a graph that a device computes whole.
std::vector<ModelStep> steps_by_node(const Graph& graph);

enum class RowGrouping {
  automatic,  // by layer when at most kReadableRows operators bear weights, else by module
  module,     // by module path, cut at a depth; times are summed where a module's operators run apart
  layer,      // a weight-bearing operator and what follows it until the next; what comes before the first belongs to it
  op,         // every step
};

// More rows than this are no longer read as one table.
inline constexpr int kReadableRows = 24;

struct Row {
  std::string path;         // module path, or the node's name in a file without module paths; "(model)" for what lies in no module
  std::string description;  // as PyTorch prints the module
  std::vector<int> steps;   // indices, ascending
  double flops = 0;
  double bytes = 0;
};

// For every node of the graph the index of its row; nodes of no step are with the node before.
std::vector<int> rows_by_node(size_t nodes, std::span<const ModelStep> steps, std::span<const Row> rows);

// Gives the rows the steps of another device instead of those that they were made of: each step goes to the row of its first node, or of the node that it serves.
// `row_of`: by node.
void assign_steps(std::vector<Row>& rows, std::span<const int> row_of, std::span<const ModelStep> steps);

// Every step is in exactly one row; rows stand in the order of their first step. A step that fuses nodes counts for its first one, a change of layout for
// the node that needs it. `depth` counts the parts of a module path, from 1; 0 is the greatest depth that gives at most kReadableRows rows (at least 1).
std::vector<Row> make_rows(const Graph& graph, std::span<const ModelStep> steps, RowGrouping grouping, int depth = 0, const Labels& labels = {});

}  // namespace ropeway
