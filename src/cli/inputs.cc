#include "cli/inputs.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "formats/formats.h"
#include "formats/npy.h"

namespace ropeway::cli {
namespace {

std::vector<std::string> input_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs) names.push_back(graph.value(id).name);
  return names;
}

std::string described_inputs(const Graph& graph) {
  std::vector<std::string> words;
  for (const ValueId id : graph.inputs) words.push_back(fmt::format("{}: {}", graph.value(id).name, to_string(graph.type(id))));
  return words.empty() ? "none" : listed(words);
}

// For every input of the graph the index of the input given for it, or -1.
std::vector<int> assign(const Graph& graph, const std::vector<GivenInput>& given) {
  const std::vector<std::string> names = input_names(graph);
  std::vector<int> result(names.size(), -1);
  for (size_t g = 0; g < given.size(); ++g) {
    if (given[g].name.empty()) continue;
    const auto at = std::find(names.begin(), names.end(), given[g].name);
    if (at == names.end()) {
      const std::string near = nearest(given[g].name, names);
      fail(ErrorCode::invalid_argument, "{} has no input '{}'{}; its inputs are {}", graph.name, given[g].name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near), described_inputs(graph));
    }
    result[static_cast<size_t>(at - names.begin())] = static_cast<int>(g);
  }
  size_t next = 0;
  for (size_t g = 0; g < given.size(); ++g) {
    if (!given[g].name.empty()) continue;
    while (next < result.size() && result[next] >= 0) ++next;
    if (next == result.size()) fail(ErrorCode::invalid_argument, "{} inputs are given, but {} has {}: {}", given.size(), graph.name, names.size(), described_inputs(graph));
    result[next] = static_cast<int>(g);
  }
  return result;
}

void check_type(const Graph& graph, ValueId input, const GivenInput& given) {
  const TensorType& expected = graph.type(input);
  if (given.value.type() == expected) return;
  const char* numpy_name = expected.dtype == DType::f32 ? "float32" : expected.dtype == DType::f64 ? "float64" : expected.dtype == DType::i64 ? "int64" : expected.dtype == DType::i32 ? "int32" : nullptr;
  const std::string remedy = given.value.dtype() == expected.dtype || numpy_name == nullptr ? "" : fmt::format(". Convert it with .astype(numpy.{}) before numpy.save", numpy_name);
  fail(ErrorCode::invalid_argument, "input {} of {} must be {}, but {} holds {}{}", graph.value(input).name, graph.name, to_string(expected), given.file, to_string(given.value.type()), remedy);
}

// Reads the model with the shapes in `options`; its reader does not know the files that these came from.
Graph read_for(const std::string& model, const ReadOptions& options, const std::vector<GivenInput>& given) {
  try {
    return read_model(model, options);
  } catch (Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    std::vector<std::string> words;
    for (const GivenInput& input : given) words.push_back(fmt::format("{}{}: {}", input.name.empty() ? "" : input.name + "=", input.file, to_string(input.value.type())));
    error.add_note(fmt::format("with --input {}", listed(words)));
    throw;
  }
}

}  // namespace

std::vector<GivenInput> read_inputs(const std::vector<std::string>& texts) {
  std::vector<GivenInput> result;
  for (const std::string& text : texts) {
    std::error_code ignored;
    const size_t equals = std::filesystem::exists(text, ignored) ? std::string::npos : text.find('=');
    GivenInput input;
    if (equals != std::string::npos) input.name = text.substr(0, equals);
    input.file = equals == std::string::npos ? text : text.substr(equals + 1);
    if (input.file.empty()) fail(ErrorCode::invalid_argument, "--input '{}' names no file", text);
    const auto same = std::find_if(result.begin(), result.end(), [&](const GivenInput& other) { return !input.name.empty() && other.name == input.name; });
    if (same != result.end()) fail(ErrorCode::invalid_argument, "input '{}' is given twice: {} and {}", input.name, same->file, input.file);
    input.value = read_npy(input.file);
    result.push_back(std::move(input));
  }
  return result;
}

std::vector<std::optional<Tensor>> bind_inputs(const Graph& graph, const std::vector<GivenInput>& given) {
  std::vector<std::optional<Tensor>> values;
  const std::vector<int> assigned = assign(graph, given);
  for (size_t i = 0; i < assigned.size(); ++i) {
    values.emplace_back();
    if (assigned[i] < 0) continue;
    const GivenInput& input = given[static_cast<size_t>(assigned[i])];
    check_type(graph, graph.inputs[i], input);
    values.back() = input.value;
  }
  return values;
}

BoundInputs bind_inputs(const std::string& model, const std::vector<GivenInput>& given) {
  // Which input an unnamed one is for, and so its shape, is only known once the model is read: a second reading settles symbolic dimensions then.
  ReadOptions options;
  for (const GivenInput& input : given) {
    if (!input.name.empty()) options.input_shapes[input.name] = input.value.shape();
  }
  BoundInputs result{read_for(model, options, given), {}};
  const std::vector<int> assigned = assign(result.graph, given);
  const size_t settled = options.input_shapes.size();
  for (size_t i = 0; i < assigned.size(); ++i) {
    if (assigned[i] < 0) continue;
    const ValueId id = result.graph.inputs[i];
    const Tensor& value = given[static_cast<size_t>(assigned[i])].value;
    if (value.shape() != result.graph.type(id).shape) options.input_shapes.emplace(result.graph.value(id).name, value.shape());
  }
  if (options.input_shapes.size() > settled) result.graph = read_for(model, options, given);
  result.values = bind_inputs(result.graph, given);
  return result;
}

std::vector<Tensor> all_inputs(const Graph& graph, const std::vector<std::optional<Tensor>>& given) {
  std::vector<Tensor> result;
  std::vector<std::string> missing;
  for (size_t i = 0; i < given.size(); ++i) {
    const ValueId id = graph.inputs[i];
    if (given[i]) result.push_back(*given[i]);
    else missing.push_back(fmt::format("{} ({})", graph.value(id).name, to_string(graph.type(id))));
  }
  if (!missing.empty()) fail(ErrorCode::invalid_argument, "no --input is given for {}; give all inputs, or none to run on generated ones", listed(missing));
  return result;
}

}  // namespace ropeway::cli
