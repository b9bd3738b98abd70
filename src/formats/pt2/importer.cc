#include "formats/pt2/importer.h"

#include <algorithm>

#include "base/text.h"
#include "formats/missing.h"
#include "formats/pt2/modules.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/output_names.h"
#include "ops/operator.h"

namespace ropeway::pt2 {
namespace {

constexpr std::string_view kAten = "torch.ops.aten.", kInlined = "torch.ops.higher_order.wrap_with_set_grad_enabled";

const std::string& target_of(const Json& node) { return node.at("target").get_ref<const std::string&>(); }

// Dropout in training mode: its result is no view of its argument, though at inference it is.
bool draws(const NodeImporter& node, ValueId result) {
  const Node* const producer = node.producer(result);
  return producer != nullptr && is_random(producer->op, producer->params);
}

Origin origin_of(const Json& node) {
  Origin origin;
  if (const Json* name = member(node, "name")) origin.node = name->get<std::string>();
  if (origin.node.empty() && !node.at("outputs").empty()) {
    const Tagged first = tagged(node.at("outputs")[0]);
    if (const Json* name = first.value.is_object() ? member(first.value, "name") : nullptr) origin.node = name->get<std::string>();
  }
  const Json* metadata = member(node, "metadata");
  const Json* stack = metadata == nullptr ? nullptr : member(*metadata, "nn_module_stack");
  if (stack != nullptr) origin.modules = parse_module_stack(stack->get_ref<const std::string&>());
  return origin;
}

bool is_known(const std::string& target) {
  if (target == kInlined || is_assertion(target) || find_scalar_operator(target) != nullptr) return true;
  if (!target.starts_with(kAten)) return false;
  const std::string_view name = std::string_view(target).substr(kAten.size());
  if (find_operator(name) != nullptr) return true;
  const auto plain = without_underscore(name);
  return plain && find_operator(*plain) != nullptr;
}

// The graph that a node of the kind kInlined holds.
const Json& subgraph_of(const Json& node) {
  for (const Json& input : node.at("inputs")) {
    const Tagged argument = tagged(input.at("arg"));
    if (argument.tag == "as_graph") return argument.value.at("graph");
  }
  fail(ErrorCode::invalid_model, "{} has no graph", target_of(node));
}

void find_missing(const Json& graph, MissingOperators& missing) {
  for (const Json& node : graph.at("nodes")) {
    const std::string& target = target_of(node);
    if (!is_known(target)) missing.add(target, origin_of(node));
    if (target == kInlined) find_missing(subgraph_of(node), missing);
  }
}

// What the program calls a tensor argument, of an input or an output.
const std::string& tensor_name(const Json& argument) {
  const Tagged tensor = tagged(argument);
  if (tensor.tag != "as_tensor") fail(ErrorCode::unsupported, "a value of the kind {} goes in or out of the model or one of its parts; only tensors can", tensor.tag);
  return tensor.value.at("name").get_ref<const std::string&>();
}

}  // namespace

double as_double(const Scalar& scalar) {
  return std::visit([](auto value) { return static_cast<double>(value); }, scalar);
}

Importer::Importer(const Json& program, Archive& archive, const File& file, const ReadOptions& options)
    : program_(program), archive_(archive), file_(file.path().filename().string()), sizes_(options, program.at("range_constraints")),
      builder_(file.path().stem().string(), file.path().string()), aliases_(builder_), graph_(&program.at("graph_module").at("graph")) {}

Graph Importer::run() {
  MissingOperators missing;
  find_missing(*graph_, missing);
  missing.fail_if_any(file_, "Exporting with .run_decompositions() may take them apart; else replace the modules they come from, or cut the model before them");
  import_inputs();
  import_nodes(*graph_);
  import_outputs();
  return builder_.finish();
}

void Importer::import_inputs() {
  std::vector<const Json*> user_inputs;
  for (const Json& spec : program_.at("graph_module").at("signature").at("input_specs")) {
    const auto [kind, input] = tagged(spec);
    const auto name_of_argument = [&, &entry = input] { return entry.at("arg").at("name").template get<std::string>(); };
    if (kind == "parameter" || kind == "buffer" || kind == "tensor_constant") {
      parameters_[name_of_argument()] = input.at(kind + "_name").get<std::string>();
    } else if (kind == "user_input") {
      user_inputs.push_back(&input.at("arg"));
    } else if (kind != "constant_input" && kind != "token") {  // the program has those as numbers where it uses them
      fail(ErrorCode::unsupported, "{} takes a {} as an input; only tensors can be", file_, kind);
    }
  }
  import_user_inputs(user_inputs);
}

void Importer::import_user_inputs(const std::vector<const Json*>& arguments) {
  std::vector<std::pair<std::string, const Json*>> inputs;
  for (const Json* argument : arguments) {
    const std::string& kind = tagged(*argument).tag;
    const bool is_fixed = kind == "as_none" || kind == "as_int" || kind == "as_float" || kind == "as_bool" || kind == "as_string";
    if (is_fixed) continue;
    const std::string& name = tensor_name(*argument);
    const Json* tensor = recorded(name);
    if (tensor == nullptr) fail(ErrorCode::invalid_model, "nothing says what input {} is", name);
    inputs.emplace_back(name, tensor);
  }
  sizes_.settle(inputs);
  for (const auto& [name, tensor] : inputs) define(name, builder_.input(name, {dtype_of(tensor->at("dtype").get<int64_t>()), *sizes_.shape(*tensor)}));
}

void Importer::import_outputs() {
  const Json& specs = program_.at("graph_module").at("signature").at("output_specs");
  const Json& arguments = graph_->at("outputs");
  if (specs.size() != arguments.size()) fail(ErrorCode::invalid_model, "{} has {} outputs, but describes {}", file_, arguments.size(), specs.size());
  std::vector<const Json*> outputs;
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto [kind, output] = tagged(specs[i]);
    if (kind == "buffer_mutation") {
      fail(ErrorCode::unsupported, "the model changes its buffer {} when it runs, so that no run would be like another. Call model.eval() before the export, or return the new state as an output",
           output.at("buffer_name").get<std::string>());
    }
    if (kind == "user_output") outputs.push_back(&arguments[i]);
    else if (kind != "user_input_mutation" && kind != "token") fail(ErrorCode::unsupported, "{} has an output of the kind {}: export the model for inference", file_, kind);
  }
  const std::vector<std::string> names = output_names(program_, outputs.size());
  size_t delivered = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto [kind, value] = tagged(*outputs[i]);
    if (kind == "as_none") continue;
    ++delivered;
    const std::string name = !names[i].empty() ? names[i] : kind == "as_tensor" ? tensor_name(*outputs[i]) : fmt::format("output_{}", i);
    try {
      builder_.output(output_value(*outputs[i]), name);
    } catch (Error& error) {
      error.add_note(fmt::format("while importing the output {} of {}", name, file_));
      throw;
    }
  }
  if (delivered == 0) fail(ErrorCode::invalid_model, "{} has no outputs", file_);
}

// Python numbers become scalars, as torch.tensor would make them.
ValueId Importer::output_value(const Json& argument) {
  const auto [kind, value] = tagged(argument);
  if (kind == "as_tensor") return tensor(tensor_name(argument));
  Scalar number;
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
    const Tagged inner = tagged(value);
    if (inner.tag != "as_name") fail(ErrorCode::invalid_model, "an output of the kind {} has no name", kind);
    number = scalar(inner.value.get<std::string>());
  } else if (kind == "as_int") {
    number = value.get<int64_t>();
  } else if (kind == "as_float") {
    number = number_of(value);
  } else if (kind == "as_bool") {
    number = value.get<bool>();
  } else {
    fail(ErrorCode::unsupported, "the model returns a value of the kind {}; only tensors and numbers can be returned", kind);
  }
  if (const auto* whole = std::get_if<int64_t>(&number)) return builder_.constant("number", Tensor::of<int64_t>({}, {*whole}));
  if (const auto* real = std::get_if<double>(&number)) return builder_.constant("number", Tensor::of<float>({}, {static_cast<float>(*real)}));
  Tensor truth({DType::boolean, {}});
  truth.data<bool>()[0] = std::get<bool>(number);
  return builder_.constant("number", std::move(truth));
}

void Importer::import_nodes(const Json& graph) {
  for (const Json& node : graph.at("nodes")) import_node(node);
}

void Importer::import_node(const Json& node) {
  const std::string& target = target_of(node);
  const Origin origin = origin_of(node);
  try {
    reading("a node", [&] {
      if (is_assertion(target)) return;
      if (target == kInlined) return import_subgraph(node);
      if (const ScalarOperator* row = find_scalar_operator(target)) {
        const NodeImporter importer(*this, node, origin);
        const Scalar result = row->compute(importer);
        define(tagged(tagged(node.at("outputs").at(0)).value).value.get<std::string>(), result);
        return importer.check_complete();
      }
      import_operator(node, std::string_view(target).substr(kAten.size()), origin);
    });
  } catch (const Error& error) {
    // Shapes that do not fit are the file's fault, unless the caller chose some of them.
    const bool fault_of_file = error.code() == ErrorCode::invalid_argument && !sizes_.by_caller();
    Error result(fault_of_file ? ErrorCode::invalid_model : error.code(), error.message());
    for (const std::string& each : error.notes()) result.add_note(each);
    result.add_note(fmt::format("while importing {} node {} of {}", target, to_string(origin), file_));
    throw result;
  }
}

void Importer::import_operator(const Json& node, std::string_view name, const Origin& origin) {
  const Operator* row = find_operator(name);
  const bool in_place = row == nullptr;
  if (in_place) row = find_operator(*without_underscore(name));
  const NodeImporter importer(*this, node, origin);
  std::vector<ValueId> handles = row->convert(importer);
  importer.check_complete();
  if (in_place) {
    const ValueId self = importer.self_handle();
    const bool is_new = handles.size() == 1 && draws(importer, handles[0]) && handles[0] != aliases_.now(self);
    if (row->sharing == Sharing::none || is_new) {
      const bool same_shape = handles.size() == 1 && importer.shape_of(handles[0]) == importer.shape_of(self);
      if (!same_shape) fail(ErrorCode::invalid_model, "{} writes a result of another shape to its tensor", name);
      handles[0] = write(importer, handles[0]);
    } else {
      // Views in place (unsqueeze_, t_ …) change what the tensor is, not what it holds. Dropout at inference does nothing.
      const Node* producer = importer.producer(handles[0]);
      const bool changes_nothing = handles[0] == aliases_.now(self) || (producer != nullptr && producer->op == Op::Dropout);
      if (!changes_nothing) fail(ErrorCode::unsupported, "{} changes the shape of a tensor in place. Export with .run_decompositions({{}}), which takes that out", name);
      handles = {self};
    }
  } else if (row->sharing != Sharing::none) {
    for (ValueId& handle : handles) handle = shared(row->sharing, handle, importer);
  }
  define_tensors(node, handles);
}

ValueId Importer::shared(Sharing sharing, ValueId result, const NodeImporter& node) {
  const ValueId self = node.self_handle();
  if (result == aliases_.now(self)) return self;
  if (draws(node, result)) return result;
  if (sharing != Sharing::argument) aliases_.link(result, self, sharing == Sharing::view || node.self_has_memory_format(MemoryFormat::contiguous));
  return result;
}

ValueId Importer::write(const NodeImporter& node, ValueId content) {
  const ValueId self = node.self_handle();
  const auto state = state_.find(aliases_.root(self));
  if (state != state_.end()) {
    fail(ErrorCode::unsupported, "the model writes to its own {} when it runs, so that no run would be like another. Call model.eval() before the export, or write to a copy", state->second);
  }
  const DType dtype = node.type_of(self).dtype;
  aliases_.write(self, node.type_of(content).dtype == dtype ? content : node.step(Op::Cast, CastParams{dtype}, {content}));
  return self;
}

// The graph that torch.no_grad() makes of its block, in the place of the node.
void Importer::import_subgraph(const Json& node) {
  const Json& graph = subgraph_of(node);
  std::unordered_map<std::string, Meaning> inside;
  size_t next = 0;
  for (const Json& input : node.at("inputs")) {
    const Tagged argument = tagged(input.at("arg"));
    if (argument.tag == "as_graph" || argument.tag == "as_bool") continue;
    const Tagged parameter = tagged(graph.at("inputs").at(next++));
    if (argument.tag == "as_sym_int") {
      inside[tagged(parameter.value).value.get<std::string>()] = scalar(tagged(argument.value).value.get<std::string>());
    } else {
      inside[tensor_name(graph.at("inputs").at(next - 1))] = handle(tensor_name(input.at("arg")));
    }
  }
  std::vector<ValueId> results;
  const Json* const outer_graph = std::exchange(graph_, &graph);
  const auto outer_meanings = std::exchange(meanings_, std::move(inside));
  import_nodes(graph);
  for (const Json& output : graph.at("outputs")) results.push_back(handle(tensor_name(output)));
  graph_ = outer_graph;
  meanings_ = outer_meanings;
  define_tensors(node, results);
}

void Importer::define(const std::string& name, Meaning meaning) {
  if (!meanings_.emplace(name, meaning).second || parameters_.contains(name)) fail(ErrorCode::invalid_model, "'{}' is defined twice", name);
}

void Importer::define_tensors(const Json& node, const std::vector<ValueId>& handles) {
  size_t next = 0;
  const auto define_one = [&](const std::string& name) {
    const size_t i = next++;
    if (i >= handles.size()) return define(name, Unavailable{fmt::format("{} at {}", target_of(node), to_string(origin_of(node)))});
    check_recorded_type(name, handles[i]);
    define(name, handles[i]);
  };
  for (const Json& output : node.at("outputs")) {
    const auto [kind, value] = tagged(output);
    if (kind == "as_tensor") {
      define_one(value.at("name").get<std::string>());
    } else if (kind == "as_tensors") {
      for (const Json& each : value) define_one(each.at("name").get<std::string>());
    } else if (kind == "as_none") {
      ++next;
    } else {
      fail(ErrorCode::unsupported, "an output of the kind {}", kind);
    }
  }
}

void Importer::check_recorded_type(const std::string& name, ValueId value) const {
  const Json* tensor = recorded(name);
  if (tensor == nullptr) return;
  const std::optional<Shape> shape = sizes_.shape(*tensor);
  if (!shape) return;
  const TensorType wanted{dtype_of(tensor->at("dtype").get<int64_t>()), *shape};
  if (builder_.type(value) != wanted) fail(ErrorCode::invalid_model, "the result {} is {}, but the file says {}", name, to_string(builder_.type(value)), to_string(wanted));
}

ValueId Importer::handle(const std::string& name) {
  const auto found = meanings_.find(name);
  if (found != meanings_.end()) {
    if (const auto* missing = std::get_if<Unavailable>(&found->second)) {
      fail(ErrorCode::unsupported, "'{}' is a further result of {}, of which only the first can be computed here. Replace it, or cut the model before what reads it", name, missing->of);
    }
    if (const auto* id = std::get_if<ValueId>(&found->second)) return *id;
    fail(ErrorCode::invalid_model, "'{}' is a number where a tensor belongs", name);
  }
  const auto parameter = parameters_.find(name);
  if (parameter == parameters_.end()) fail(ErrorCode::invalid_model, "'{}' is read, but nothing before defines it", name);
  const ValueId id = builder_.constant(parameter->second, archive_.tensor(parameter->second));
  check_recorded_type(name, id);
  state_[id] = parameter->second;
  meanings_.emplace(name, id);
  return id;
}

Scalar Importer::scalar(const std::string& name) const {
  const auto found = meanings_.find(name);
  if (found == meanings_.end()) fail(ErrorCode::invalid_model, "'{}' is read, but nothing before defines it", name);
  if (const auto* number = std::get_if<Scalar>(&found->second)) return *number;
  fail(ErrorCode::invalid_model, "'{}' is a tensor where a number belongs", name);
}

const Json* Importer::recorded(const std::string& name) const { return member(graph_->at("tensor_values"), name.c_str()); }

bool Importer::has_memory_format(const std::string& name, MemoryFormat format) const {
  const Json* tensor = recorded(name);
  if (tensor == nullptr) return false;
  const auto shape = sizes_.shape(*tensor), strides = sizes_.shape(*tensor, "strides");
  if (!shape || !strides || shape->size() != strides->size()) return false;
  std::vector<size_t> order;  // of the dimensions, outermost in memory first
  for (size_t d = 0; d < shape->size(); ++d) order.push_back(d);
  if (format == MemoryFormat::channels_last || format == MemoryFormat::channels_last_3d) {
    if (shape->size() != (format == MemoryFormat::channels_last ? 4 : 5)) return false;
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  }
  int64_t dense = 1;
  for (auto d = order.rbegin(); d != order.rend(); ++d) {
    if ((*shape)[*d] != 1 && (*strides)[*d] != dense) return false;
    dense *= (*shape)[*d];
  }
  return true;
}

}  // namespace ropeway::pt2
