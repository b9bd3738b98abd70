// Reports for programs.
#pragma once

#include <span>
#include <string>

#include "report/report.h"

namespace ropeway {

// A JSON array with an entry per model, schema 1; units stand in the names of the keys, and rows count from 1. `sum_of_rows_ms` adds up the medians.
// A device with cpu_steps has them as `steps`, in their order, and the `peak` that their `limit_ms` come from.
std::string to_json(std::span<const ModelReport> reports, const Environment& environment);

// RFC 4180 with a head line: a line per model, device and row, then one for each end-to-end time, which has no index.
std::string to_csv(std::span<const ModelReport> reports);

}  // namespace ropeway
