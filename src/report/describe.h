// Nodes in the words of the people who wrote the model: as PyTorch prints its modules.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

class Describer {
 public:
  // Keeps a reference to the graph.
  explicit Describer(const Graph& graph);

  // Convolutions, products, normalisations and embeddings with a weight. A weight is what no node computes and no caller gives, so a graph whose constants are released will do.
  bool bears_weight(const Node& node) const;
  // "Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(1, 1))"; for what is no module in PyTorch its function, such as "add".
  std::string describe(const Node& node) const;
  // The same without its parameters: "Conv2d".
  std::string kind(const Node& node) const;
  // True for the addition of a bias, which the description of the product before it mentions.
  bool is_bias(const Node& node) const;

 private:
  bool is_weight(ValueId id) const;
  std::string convolution(const Node& node) const;
  std::string product(const Node& node, ValueId weight, bool out_first, bool bias) const;
  // The node that adds a vector to the product's last dimension, if that is what its only reader does.
  const Node* bias_after(const Node& product) const;

  const Graph& graph_;
  std::vector<int> producer_, uses_, reader_;  // by value
  std::vector<bool> is_input_;
};

// Descriptions of a model's weight-bearing nodes as they stood in the file: passes change some of them (a folded batch norm leaves a bias behind).
class Labels {
 public:
  Labels() = default;
  explicit Labels(const Graph& as_read);
  std::optional<std::string> find(const Node& node) const;

 private:
  std::map<std::string, std::string> by_origin_;  // "" where two nodes of one name differ
};

}  // namespace ropeway
