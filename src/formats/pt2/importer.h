// From the description of an exported program to a Graph, node by node.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "formats/emitter.h"
#include "formats/formats.h"
#include "formats/pt2/aliases.h"
#include "formats/pt2/archive.h"
#include "formats/pt2/json.h"
#include "formats/pt2/sizes.h"

namespace ropeway::pt2 {

// A Python number.
using Scalar = std::variant<bool, int64_t, double>;
double as_double(const Scalar& scalar);

// How PyTorch lays the elements of a tensor out, by its numbers in a file.
enum class MemoryFormat : int64_t { contiguous = 1, channels_last = 2, channels_last_3d = 3, preserve = 4 };

// What a name of the program stands for.
struct Unavailable {  // a result that cannot be computed here
  std::string of;     // which operator, where
};
using Meaning = std::variant<ValueId, Scalar, Unavailable>;

class NodeImporter;
enum class Sharing : uint8_t;

class Importer {
 public:
  Importer(const Json& program, Archive& archive, const File& file, const ReadOptions& options);
  Graph run();

  // For NodeImporter:
  GraphBuilder& builder() { return builder_; }
  ValueId handle(const std::string& name);  // the tensor of that name; see Aliases. Throws Error{invalid_model, unsupported}
  ValueId tensor(const std::string& name) { return aliases_.now(handle(name)); }
  Scalar scalar(const std::string& name) const;
  bool has_memory_format(const std::string& name, MemoryFormat format) const;  // in PyTorch's memory, as far as the file tells

 private:
  void import_inputs();
  void import_user_inputs(const std::vector<const Json*>& arguments);
  void import_outputs();
  void import_nodes(const Json& graph);
  void import_node(const Json& node);
  void import_operator(const Json& node, std::string_view name, const Origin& origin);
  void import_subgraph(const Json& node);
  void define(const std::string& name, Meaning meaning);
  void define_tensors(const Json& node, const std::vector<ValueId>& handles);
  void check_recorded_type(const std::string& name, ValueId value) const;
  ValueId shared(Sharing sharing, ValueId result, const NodeImporter& node);
  ValueId write(const NodeImporter& node, ValueId content);
  ValueId output_value(const Json& argument);
  const Json* recorded(const std::string& name) const;  // torch's entry for a tensor of the graph that is being read

  const Json& program_;
  Archive& archive_;
  const std::string file_;
  Sizes sizes_;
  GraphBuilder builder_;
  Aliases aliases_;
  const Json* graph_;                                         // that is being read: the program's, or one inside it
  std::unordered_map<std::string, Meaning> meanings_;         // of the names in it
  std::unordered_map<std::string, std::string> parameters_;   // of the program's inputs, the tensors of the module: read when a node asks for them
  std::unordered_map<ValueId, std::string> state_;            // those that were read
};

// One node, as its converter sees it. Arguments have the names of PyTorch's schema; those that are left out have its defaults, which the converter gives.
// Whatever the file may get wrong throws Error{invalid_model}.
class NodeImporter : public Emitter {
 public:
  NodeImporter(Importer& importer, const Json& node, const Origin& origin);

  // Whether an argument is given, and not None.
  bool has(const char* name) const { return given(name) != nullptr; }
  bool is_tensor(const char* name) const;
  ValueId tensor(const char* name) const;
  ValueId optional_tensor(const char* name) const { return has(name) ? tensor(name) : kNoValue; }
  std::vector<ValueId> tensors(const char* name) const;  // kNoValue for a None among them
  int64_t integer(const char* name) const;
  int64_t integer(const char* name, int64_t fallback) const { return has(name) ? integer(name) : fallback; }
  Ints integers(const char* name) const;  // one integer is a list of one
  Ints integers(const char* name, Ints fallback) const { return has(name) ? integers(name) : fallback; }
  Scalar scalar(const char* name) const;
  double number(const char* name) const { return as_double(scalar(name)); }
  double number(const char* name, double fallback) const { return has(name) ? number(name) : fallback; }
  std::vector<double> numbers(const char* name) const;  // a list of real or whole ones
  bool boolean(const char* name, bool fallback) const;
  std::string text(const char* name, const char* fallback) const;
  std::optional<DType> dtype(const char* name) const;
  void ignore(std::initializer_list<const char*> names) const;  // of no consequence here: where a tensor lies, its memory format

  const TensorType& type(const char* name) const { return type_of(tensor(name)); }
  const Shape& shape(const char* name) const { return type(name).shape; }
  int64_t rank(const char* name) const { return static_cast<int64_t>(shape(name).size()); }
  int64_t axis(const char* name, int64_t fallback) const;  // of "self" or "input"; a scalar counts as one dimension, as in PyTorch
  using Emitter::axis;

  // The tensor that operators in place write to, and views look at: the first argument.
  ValueId self_handle() const;
  // Whether it lies in the memory format that the argument of that name asks for, `otherwise` when there is none.
  bool self_has_memory_format(MemoryFormat otherwise) const;
  size_t output_count() const;

  // Refuses arguments that no call above asked for.
  void check_complete() const;

 private:
  const Json* given(const char* name) const;
  const Json& required(const char* name) const;
  std::string first_tensor() const;
  int64_t as_integer(const Json& argument, const char* name) const;

  Importer& importer_;
  const Json& node_;
  mutable std::set<std::string_view> asked_;
};

}  // namespace ropeway::pt2
