// The devices that models can run on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "cann/installation.h"
#include "chip/precision.h"
#include "ropeway/session.h"

namespace ropeway {

// A device that `ropeway devices` lists. The one explicit list of backends.
struct DeviceRow {
  const char* name;
  const char* description;
  std::shared_ptr<const Backend> (*make)(const SessionOptions& options);  // throws Error{device} where this machine does not have it
};
const std::vector<DeviceRow>& devices();

// Why a device cannot be used on this machine, and what would help; "" when it can.
std::string why_unusable(const DeviceRow& row);

// Where a CANN is installed whose NPU cannot be used, so that "auto" is the CPU all the same: why. Nothing otherwise.
std::optional<std::string> why_auto_is_cpu();

// The name in devices() that `device` means for `model`: see SessionOptions. Throws Error{invalid_argument} that lists the devices there are.
std::string resolve_device(const std::string& device, const std::string& model);

// The CANN behind npu or virtual-npu. Throws Error{device} that says where it was looked for, Error{invalid_argument} for another device.
cann::Installation npu_installation(const std::string& device);

// What `precision` of SessionOptions means for an NPU's compiler. Throws Error{invalid_argument} that lists what there is.
chip::PrecisionMode npu_precision(const std::string& precision);

// Whether `model` is the path of a compiled model (.om), which has no graph: it can be loaded and run, no more.
bool is_compiled_model(const std::string& model);

// The backend of the device that `options` asks for; `model` as for resolve_device. Throws as that does, and Error{device}.
std::shared_ptr<const Backend> make_backend(const SessionOptions& options, const std::string& model);

}  // namespace ropeway
