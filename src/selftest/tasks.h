// The tasks, each in a file of its own, and what they share.
#pragma once

#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "ascend/device.h"
#include "ascend/profiler.h"
#include "chip/soc.h"
#include "report/statistics.h"
#include "selftest/task.h"

namespace ropeway::selftest {

using Json = nlohmann::ordered_json;

// How far a task has come: for what is told of a failure.
struct Stage {
  const char* name = "open";
  std::string output = {};  // of atc
};

Json run_cases(const Task& task, const SessionOptions& options, Stage& stage);
Json run_model(const Task& task, const SessionOptions& options, Stage& stage);
Json run_copies(const SessionOptions& options, Stage& stage);

std::shared_ptr<const ascend::Device> open_device(const SessionOptions& options);
// Whether the program runs on the board itself, or on the host of a card; nothing when the device does not say.
std::optional<bool> is_board(const ascend::Device& device);
// The chip from whose numbers it is predicted: an Ascend310B1 for one that is not listed.
const chip::Soc& soc_of(const ascend::Device& device);

// To nanoseconds: digits beyond that are noise.
double rounded(double ms);
Json to_json(const Statistics& times);  // {"min", "median"}

}  // namespace ropeway::selftest
