// Fitting constants of a chip to measured times. bench/calibrate.py is the way to use it.
#pragma once

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chip/soc.h"

namespace ropeway::chip {

using Json = nlohmann::ordered_json;

inline constexpr size_t kNone = std::numeric_limits<size_t>::max();  // of what is left out: nothing

struct Parameter {
  double Soc::*member;
  double low, high;  // what is physically possible
};
// `soc` with the parameters for which `misfit` is least: a grid, refined around its best point.
Soc fit(Soc soc, const std::vector<Parameter>& parameters, const std::function<double(const Soc&)>& misfit);

// A model file, compiled, and how long it takes.
struct MeasuredModel {
  std::string path;
  double ms;
};
// Print how near the cost model comes to what was measured, and return the same for bench/calibrate.py to write down.
Json report_compiled(const std::vector<MeasuredModel>& models, const Soc& soc);
Json report_eager(const Soc& soc);  // the article's rows

}  // namespace ropeway::chip
