#include "report/rows.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "ops/work.h"

namespace ropeway {
namespace {

constexpr const char* kModel = "(model)";

int parts_of(const std::string& path) { return path.empty() ? 0 : 1 + static_cast<int>(std::count(path.begin(), path.end(), '.')); }

std::string cut(const std::string& path, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth && end != std::string::npos; ++i) end = path.find('.', i == 0 ? 0 : end + 1);
  return path.substr(0, end);
}

std::string path_or_node(const Node& node) {
  if (!node.origin.module_path().empty()) return node.origin.module_path();
  return node.origin.node.empty() ? kModel : node.origin.node;
}

class Grouper {
 public:
  Grouper(const Graph& graph, std::span<const ModelStep> steps, const Labels& labels) : graph_(graph), steps_(steps), labels_(labels), describer_(graph), step_of_(graph.nodes.size(), -1) {
    for (size_t s = 0; s < steps.size(); ++s) {
      for (const int n : steps[s].nodes) step_of_[static_cast<size_t>(n)] = static_cast<int>(s);
    }
  }

  std::vector<Row> by_layer() const {
    std::vector<int> row_of(steps_.size(), 0);
    std::vector<const Node*> heads;
    for (size_t s = 0; s < steps_.size(); ++s) {
      if (const Node* head = weight_bearer(steps_[s])) heads.push_back(head);
      row_of[s] = std::max(0, static_cast<int>(heads.size()) - 1);
    }
    // A change of layout goes with the step that needs it, which may be the first of the next row.
    for (size_t s = 0; s < steps_.size(); ++s) {
      if (const int served = served_step(s); served >= 0) row_of[s] = row_of[static_cast<size_t>(served)];
    }
    std::vector<Row> rows(steps_.empty() ? 0 : std::max<size_t>(1, heads.size()));
    for (size_t s = 0; s < steps_.size(); ++s) add(rows[static_cast<size_t>(row_of[s])], s);
    for (size_t r = 0; r < heads.size(); ++r) {
      rows[r].path = path_or_node(*heads[r]);
      rows[r].description = describe(*heads[r]);
    }
    if (heads.empty() && !rows.empty()) {
      rows[0].path = kModel;
      rows[0].description = summary(nodes_of(rows[0]));
    }
    return rows;
  }

  std::vector<Row> by_module(int depth) const {
    std::vector<Row> rows;
    std::map<std::string, size_t> row_at;
    for (size_t s = 0; s < steps_.size(); ++s) {
      const std::string path = cut(module_of(s), depth);
      const auto [at, added] = row_at.emplace(path, rows.size());
      if (added) rows.push_back({path, "", {}, 0, 0});
      add(rows[at->second], s);
    }
    for (Row& row : rows) {
      row.description = describe_module(row);
      if (row.path.empty()) row.path = kModel;
    }
    return rows;
  }

  std::vector<Row> by_module() const {
    int deepest = 1;
    for (const Node& node : graph_.nodes) deepest = std::max(deepest, parts_of(node.origin.module_path()));
    for (int depth = deepest; depth > 1; --depth) {
      if (std::vector<Row> rows = by_module(depth); rows.size() <= static_cast<size_t>(kReadableRows)) return rows;
    }
    return by_module(1);
  }

  std::vector<Row> automatic() const {
    const bool has_paths = std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const Node& node) { return !node.origin.module_path().empty(); });
    const auto bearers = std::count_if(steps_.begin(), steps_.end(), [&](const ModelStep& step) { return weight_bearer(step) != nullptr; });
    return bearers <= kReadableRows || !has_paths ? by_layer() : by_module();
  }

  Row of_step(size_t s) const {
    Row row;
    add(row, s);
    const ModelStep& step = steps_[s];
    if (step.nodes.empty()) {
      row.path = step.serves < 0 ? kModel : path_or_node(node(step.serves));
      row.description = fmt::format("change of layout ({})", step.kernel);
      return row;
    }
    row.path = path_or_node(node(step.nodes[0]));
    row.description = describe(node(step.nodes[0]));
    append_fused(row.description, {step.nodes.begin() + 1, step.nodes.end()});
    return row;
  }

 private:
  const Node& node(int n) const { return graph_.nodes[static_cast<size_t>(n)]; }

  void add(Row& row, size_t s) const {
    row.steps.push_back(static_cast<int>(s));
    row.flops += steps_[s].flops;
    row.bytes += steps_[s].bytes;
  }

  const Node* weight_bearer(const ModelStep& step) const {
    for (const int n : step.nodes) {
      if (describer_.bears_weight(node(n))) return &node(n);
    }
    return nullptr;
  }

  // The step that a change of layout is made for; -1 when step s is none, or serves a node that needs no step of its own.
  int served_step(size_t s) const { return steps_[s].nodes.empty() && steps_[s].serves >= 0 ? step_of_[static_cast<size_t>(steps_[s].serves)] : -1; }

  const std::string& module_of(size_t s) const {
    static const std::string none;
    const int served = served_step(s);
    const ModelStep& step = served < 0 ? steps_[s] : steps_[static_cast<size_t>(served)];
    const int n = step.nodes.empty() ? step.serves : step.nodes[0];
    return n < 0 ? none : node(n).origin.module_path();
  }

  std::string describe(const Node& each) const { return labels_.find(each).value_or(describer_.describe(each)); }

  std::vector<int> nodes_of(const Row& row) const {
    std::vector<int> result;
    for (const int s : row.steps) result.insert(result.end(), steps_[static_cast<size_t>(s)].nodes.begin(), steps_[static_cast<size_t>(s)].nodes.end());
    return result;
  }

  void append_fused(std::string& text, const std::vector<int>& nodes) const {
    for (const int n : nodes) {
      if (!describer_.is_bias(node(n))) text += " + " + describer_.kind(node(n));
    }
  }

  // "2 Conv2d, 2 ReLU, add".
  std::string summary(const std::vector<int>& nodes) const {
    std::vector<std::pair<std::string, int>> kinds;
    for (const int n : nodes) {
      if (describer_.is_bias(node(n))) continue;
      const std::string kind = describer_.kind(node(n));
      const auto at = std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.first == kind; });
      if (at == kinds.end()) kinds.emplace_back(kind, 1);
      else ++at->second;
    }
    std::vector<std::string> words;
    for (const auto& [kind, count] : kinds) words.push_back(count == 1 ? kind : fmt::format("{} {}", count, kind));
    return words.empty() ? "change of layout" : fmt::format("{}", fmt::join(words, ", "));
  }

  std::string class_of(const std::string& path, const std::vector<int>& nodes) const {
    for (const int n : nodes) {
      for (const ModuleFrame& frame : node(n).origin.modules) {
        if (frame.path == path && !frame.class_name.empty()) return frame.class_name;
      }
    }
    return "";
  }

  // row.path is the module's, "" for the model itself.
  std::string describe_module(const Row& row) const {
    const std::vector<int> nodes = nodes_of(row);
    const std::string class_name = row.path.empty() ? "" : class_of(row.path, nodes);
    if (class_name.find('(') != std::string::npos) return class_name;
    std::vector<int> own, others;
    for (const int n : nodes) (describer_.kind(node(n)) == class_name ? own : others).push_back(n);
    if (own.size() == 1) {
      std::string text = describe(node(own[0]));
      append_fused(text, others);
      return text;
    }
    return class_name.empty() ? summary(nodes) : fmt::format("{}({})", class_name, summary(nodes));
  }

  const Graph& graph_;
  std::span<const ModelStep> steps_;
  const Labels& labels_;
  Describer describer_;
  std::vector<int> step_of_;  // by node; -1 for one that needs no step
};

}  // namespace

std::vector<ModelStep> steps_of(const Model& model) {
  std::vector<ModelStep> result;
  for (size_t s = 0; s < model.executables().size(); ++s) {
    const std::vector<int>& nodes = model.plan().segments[s].nodes;
    for (const StepInfo& info : model.executables()[s]->steps()) {
      ModelStep step{{}, info.on_behalf_of < 0 ? -1 : nodes[static_cast<size_t>(info.on_behalf_of)], info.kernel, info.note, info.flops, info.bytes};
      for (const int n : info.nodes) step.nodes.push_back(nodes[static_cast<size_t>(n)]);
      result.push_back(std::move(step));
    }
  }
  return result;
}

std::vector<ModelStep> steps_by_node(const Graph& graph) {
  std::vector<ModelStep> result;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Work each = work(graph, graph.nodes[n]);
    result.push_back({{static_cast<int>(n)}, -1, "", "", each.flops, each.bytes});
  }
  return result;
}

std::vector<int> rows_by_node(size_t nodes, std::span<const ModelStep> steps, std::span<const Row> rows) {
  std::vector<int> result(nodes, -1);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (const int s : rows[r].steps) {
      for (const int n : steps[static_cast<size_t>(s)].nodes) result[static_cast<size_t>(n)] = static_cast<int>(r);
    }
  }
  for (size_t n = 0; n < nodes; ++n) {
    if (result[n] < 0) result[n] = n == 0 ? 0 : result[n - 1];
  }
  return result;
}

void assign_steps(std::vector<Row>& rows, std::span<const int> row_of, std::span<const ModelStep> steps) {
  for (Row& row : rows) row.steps.clear();
  int last = 0;
  for (size_t s = 0; s < steps.size(); ++s) {
    const int node = steps[s].nodes.empty() ? steps[s].serves : steps[s].nodes[0];
    if (node >= 0) last = row_of[static_cast<size_t>(node)];
    rows[static_cast<size_t>(last)].steps.push_back(static_cast<int>(s));
  }
}

std::vector<Row> make_rows(const Graph& graph, std::span<const ModelStep> steps, RowGrouping grouping, int depth, const Labels& labels) {
  const Grouper grouper(graph, steps, labels);
  switch (grouping) {
    case RowGrouping::automatic: return grouper.automatic();
    case RowGrouping::layer: return grouper.by_layer();
    case RowGrouping::module: return depth == 0 ? grouper.by_module() : grouper.by_module(depth);
    case RowGrouping::op: break;
  }
  std::vector<Row> rows;
  for (size_t s = 0; s < steps.size(); ++s) rows.push_back(grouper.of_step(s));
  return rows;
}

}  // namespace ropeway
