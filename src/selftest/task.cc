#include "selftest/task.h"

#include <cmath>

#include "base/text.h"
#include "cann/errors.h"
#include "engine/devices.h"
#include "selftest/tasks.h"

namespace ropeway::selftest {
namespace {

constexpr const char* kKinds[] = {"device", "cases", "model", "copies"};

Json describe_device(const SessionOptions& options) {
  const auto device = open_device(options);
  const auto entered = device->enter();
  int32_t major = 0, minor = 0, patch = 0;
  const cann::Functions& f = device->functions();
  const bool tells_version = f.aclrtGetVersion != nullptr && f.aclrtGetVersion(&major, &minor, &patch) == cann::ACL_SUCCESS;
  const auto board = is_board(*device);
  return {{"title", device->title()},
          {"soc", device->soc()},
          {"predicted", device->installation().is_virtual},
          {"cann", device->installation().version},
          {"memory_bytes", device->memory_bytes()},
          {"free_bytes", device->free_bytes()},
          {"mode", board ? (*board ? "board" : "card") : "unknown"},
          {"runtime", tells_version ? fmt::format("{}.{}.{}", major, minor, patch) : "unknown"},
          {"profiler", ascend::Subscription::is_available(f)},
          {"compiler", device->installation().atc.has_value()}};
}

Json done(const Task& task, const SessionOptions& options, Stage& stage) {
  switch (task.kind) {
    case Task::Kind::device: return describe_device(options);
    case Task::Kind::cases: return run_cases(task, options, stage);
    case Task::Kind::model: return run_model(task, options, stage);
    case Task::Kind::copies: return run_copies(options, stage);
  }
  return {};
}

Json failure(const Stage& stage, ErrorCode code, const std::string& message) {
  return {{"failed", {{"stage", stage.name}, {"code", name(code)}, {"message", message}, {"output", stage.output}}}};
}

}  // namespace

std::string to_string(const Task& task) {
  std::string text = kKinds[static_cast<size_t>(task.kind)];
  if (!task.subject.empty()) text += ":" + task.subject;
  if (!task.cases.empty()) text += fmt::format(":{}", fmt::join(task.cases, ","));
  return text;
}

Task task_of(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    if (parts.empty() || parts[0] != kKinds[kind]) continue;
    Task task{static_cast<Task::Kind>(kind)};
    if (parts.size() > 1) task.subject = parts[1];
    if (parts.size() > 2) task.cases = split(parts[2], ',');
    return task;
  }
  fail(ErrorCode::invalid_argument, "'{}' is no task of selftest", text);
}

std::string run_task(const Task& task, const SessionOptions& options) {
  Stage stage;
  Json result;
  try {
    result = done(task, options, stage);
  } catch (const Error& error) {
    result = failure(stage, error.code(), error.what());
  } catch (const std::exception& error) {
    result = failure(stage, ErrorCode::internal, error.what());
  }
  return result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::shared_ptr<const ascend::Device> open_device(const SessionOptions& options) { return ascend::Device::open(npu_installation(options.device)); }

std::optional<bool> is_board(const ascend::Device& device) {
  cann::aclrtRunMode mode{};
  if (device.functions().aclrtGetRunMode == nullptr || device.functions().aclrtGetRunMode(&mode) != cann::ACL_SUCCESS) return std::nullopt;
  return mode == cann::ACL_DEVICE;
}

const chip::Soc& soc_of(const ascend::Device& device) {
  const chip::Soc* const soc = chip::find_soc(device.soc());
  return soc != nullptr ? *soc : *chip::find_soc("Ascend310B1");
}

double rounded(double ms) { return std::round(ms * 1e6) / 1e6; }

Json to_json(const Statistics& times) { return {{"min", rounded(times.min)}, {"median", rounded(times.median)}}; }

}  // namespace ropeway::selftest
