// ge::aclgrph*: what atc does, in process: ONNX bytes → compiled model in memory.
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "virtual_npu/atc/compiler.h"
#include "virtual_npu/exports/exported.h"
#include "virtual_npu/ge/graph.h"
#include "virtual_npu/settings.h"

namespace ge {
namespace {

using ropeway::virtual_npu::AtcOptions;
using ropeway::virtual_npu::refuse;
using ropeway::virtual_npu::Rule;
namespace cann = ropeway::cann;

// An option by CANN's key for it.
struct Option {
  const char* key;
  const char* name;
  void (*set)(AtcOptions& options, const std::string& value);
};

void set_soc_version(AtcOptions& options, const std::string& value) { options.soc_version = ropeway::virtual_npu::soc_named(value).name; }
void set_precision_mode(AtcOptions& options, const std::string& value) { options.precision_mode = value; }
void set_input_shape(AtcOptions& options, const std::string& value) { options.input_shape = value; }
void check_implementation(AtcOptions&, const std::string& value) {
  if (value != "high_performance") refuse(Rule::invalid_value, "OP_SELECT_IMPL_MODE={}; the virtual CANN has high_performance alone", value);
}

constexpr Option kGlobalOptions[] = {
    {"ge.socVersion", "SOC_VERSION", set_soc_version},
    {"ge.exec.precision_mode", "PRECISION_MODE", set_precision_mode},
    {"ge.opSelectImplmode", "OP_SELECT_IMPL_MODE", check_implementation},
};
constexpr Option kModelOptions[] = {{"input_shape", "INPUT_SHAPE", set_input_shape}};

void apply(AtcOptions& into, const Options& options, std::span<const Option> known) {
  for (const auto& [key, value] : options) {
    bool found = false;
    for (const Option& option : known) {
      if (key.str() != option.key) continue;
      option.set(into, value.str());
      found = true;
    }
    if (found) continue;
    std::vector<std::string> names;
    for (const Option& option : known) names.push_back(fmt::format("{} ({})", option.key, option.name));
    refuse(Rule::unknown_option, "{}={}; this function has {}", key.str(), value.str(), names.empty() ? "none" : ropeway::listed(names));
  }
}

// Compiling needs no device: programs do it in children that they fork, for the compiler's sake.
template <class Action>
graphStatus guarded(const char* function, Action action) noexcept {
  switch (cann::caught(function, [&](ropeway::virtual_npu::Device&) { action(); })) {
    case cann::ACL_SUCCESS: return GRAPH_SUCCESS;
    case cann::ACL_ERROR_INVALID_PARAM: return GRAPH_PARAM_INVALID;
    default: return GRAPH_FAILED;
  }
}

// What aclgrphBuildInitialize settled; nothing before it. Never destroyed, as callers' static objects finalise.
struct Builder {
  std::mutex mutex;
  std::optional<AtcOptions> options;
};
Builder& builder() {
  static Builder* const made = new Builder;
  return *made;
}

AtcOptions settled() {
  Builder& state = builder();
  const std::lock_guard lock(state.mutex);
  if (!state.options) refuse(Rule::build_not_initialised);
  return *state.options;
}

}  // namespace

graphStatus aclgrphBuildInitialize(Options& options) {
  return guarded(__func__, [&] {
    AtcOptions made;
    made.framework = "5";
    made.soc_version = ropeway::virtual_npu::chosen_soc().name;  // as CANN, which takes the NPU that is there
    apply(made, options, kGlobalOptions);
    Builder& state = builder();
    const std::lock_guard lock(state.mutex);
    if (!state.options) state.options = made;  // a second call changes nothing: assumed
  });
}

void aclgrphBuildFinalize() {
  Builder& state = builder();
  const std::lock_guard lock(state.mutex);
  state.options.reset();
}

// What is wrong with the bytes, aclgrphBuildModel tells: only there are all sizes known.
graphStatus aclgrphParseONNXFromMem(const char* buffer, size_t size, const Options& options, Graph& graph) {
  return guarded(__func__, [&] {
    cann::require(buffer, "buffer");
    if (size == 0) refuse(Rule::invalid_value, "0 bytes");
    AtcOptions none;
    apply(none, options, {});
    graph.set_onnx(std::string(buffer, size));
  });
}

graphStatus aclgrphBuildModel(const Graph& graph, const Options& options, ModelBufferData& model) {
  return guarded(__func__, [&] {
    AtcOptions chosen = settled();
    apply(chosen, options, kModelOptions);
    if (!graph.content() || graph.content()->onnx.empty()) refuse(Rule::empty_graph);
    chosen.model = graph.content()->name.empty() ? "the graph in memory" : graph.content()->name;
    std::vector<std::string> warnings;
    const auto bytes = std::make_shared<std::string>(to_bytes(ropeway::virtual_npu::compile(graph.content()->onnx, chosen, warnings)));
    for (const std::string& warning : warnings) cann::log_call(__func__, cann::ACL_SUCCESS, warning);
    model = {std::shared_ptr<uint8_t>(bytes, reinterpret_cast<uint8_t*>(bytes->data())), bytes->size()};
  });
}

graphStatus aclgrphSaveModel(const char* path, const ModelBufferData& model) {
  return guarded(__func__, [&] {
    cann::require(path, "path");
    cann::require(model.data.get(), "the model's data");
    const std::string file = std::string(path).ends_with(".om") ? path : std::string(path) + ".om";
    ropeway::write_file(file, std::as_bytes(std::span(model.data.get(), model.length)));
  });
}

}  // namespace ge
