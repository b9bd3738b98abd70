// The nn.Module that a node belongs to, as far as the exporter left it in the file.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/onnx/proto.h"
#include "ir/graph.h"

namespace ropeway::onnx {

class ModulePaths {
 public:
  // Notes what names of weights and nodes say about the whole graph.
  explicit ModulePaths(const GraphProto& graph);

  // Outermost first; empty when the file does not tell. Two sources:
  //  - the metadata of torch.onnx.export (name scopes and class hierarchy). The exporter's optimiser folds batch normalisation into the convolution before
  //    it, but leaves the normalisation's scope on the result: the path is then that of the convolution, which its weight's name tells.
  //  - node names of the older exporter, such as /layer1/layer1.0/relu_1/Relu. The suffix of a second call of one module (relu_1) is taken off.
  std::vector<ModuleFrame> of(const NodeProto& node) const;

 private:
  std::vector<ModuleFrame> from_metadata(const NodeProto& node) const;
  std::vector<ModuleFrame> from_name(std::string_view node_name) const;
  bool is_repeated_call(const std::string& path, const std::string& first_call) const;

  std::set<std::string> with_weights_;  // paths of modules that own an initializer
  std::set<std::string> in_names_;      // paths in node names, suffixes as they stand
};

// "['', 'layer1', 'relu']" as its strings; nothing when it is not a list of strings as Python prints it.
std::vector<std::string> parse_string_list(std::string_view text);

}  // namespace ropeway::onnx
