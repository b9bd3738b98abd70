#include "virtual_npu/model.h"

#include <utility>

#include "chip/numerics.h"
#include "formats/onnx/onnx.h"
#include "virtual_npu/fault.h"
#include "virtual_npu/settings.h"

namespace ropeway::virtual_npu {
namespace {

std::vector<Port> ports(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Port> result;
  for (const ValueId id : ids) result.push_back({graph.value(id).name, graph.type(id)});
  return result;
}

// A tensor over memory that somebody else keeps.
Tensor view(const TensorType& type, void* memory) { return Tensor(type, std::shared_ptr<std::byte>(static_cast<std::byte*>(memory), [](std::byte*) {})); }

std::vector<Tensor> views(std::span<const Port> ports, std::span<void* const> buffers) {
  std::vector<Tensor> result;
  for (size_t i = 0; i < ports.size(); ++i) result.push_back(view(ports[i].type, buffers[i]));
  return result;
}

// What `read` gives; whatever is wrong with it is the file's fault, out of memory excepted.
template <class Read>
auto reading(const std::string& what, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    refuse(Rule::damaged_model, "{}: {}", what, error.message());
  }
}

}  // namespace

std::unique_ptr<Model> Model::load(std::string_view bytes, const std::string& what, const chip::Soc& soc, const Backend& cpu) {
  const Container container = reading(what, [&] { return parse_container(bytes); });
  if (container.soc != soc.name) refuse(Rule::wrong_chip, "{} is compiled for {}, but this device is a virtual {} (ROPEWAY_VIRTUAL_SOC chooses another); it was made by {} of CANN {}, {}", what, container.soc, soc.name,
                                      container.compiler, container.cann, container.precision_mode);
  Graph graph = reading(what, [&] { return read_onnx(container.onnx, what, {}); });
  std::unique_ptr<Model> model(new Model);
  model->inputs_ = ports(graph, graph.inputs);
  model->outputs_ = ports(graph, graph.outputs);
  for (const Value& value : graph.values) {
    if (value.constant) model->weight_bytes_ += value.constant->bytes();
  }
  model->operators_ = container.operators;
  for (const OperatorTime& each : container.operators) model->predicted_ms_ += each.ms;
  CompileOptions options;
  options.weight_growth = 1;  // as the chip adds up: products of whole numbers stay whole, and equal sums equal, which transformed weights would not keep
  model->executable_ = cpu.compile(overflow_saturates() ? chip::saturate(std::move(graph)) : std::move(graph), options);
  model->context_ = model->executable_->make_context();
  return model;
}

void Model::run(std::span<void* const> inputs, std::span<void* const> outputs) {
  const std::vector<Tensor> values = views(inputs_, inputs);
  std::vector<Tensor> results = views(outputs_, outputs);
  executable_->run(*context_, values, results, nullptr);
}

}  // namespace ropeway::virtual_npu
