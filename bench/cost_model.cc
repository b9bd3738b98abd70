// The cost models beside measured times: eager execution beside the article, compiled models beside MODEL MS pairs. bench/calibrate.py calls it.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "fit.h"

namespace ropeway::chip {

Soc fit(Soc soc, const std::vector<Parameter>& parameters, const std::function<double(const Soc&)>& misfit) {
  constexpr int kSteps = 16, kRounds = 6;
  std::vector<Parameter> range = parameters;
  for (int round = 0; round < kRounds; ++round) {
    Soc best = soc;
    double least = std::numeric_limits<double>::infinity();
    size_t points = 1;
    for (size_t p = 0; p < range.size(); ++p) points *= kSteps + 1;
    for (size_t point = 0; point < points; ++point) {
      Soc trial = soc;
      size_t rest = point;
      for (const Parameter& each : range) {
        trial.*each.member = each.low + (each.high - each.low) * static_cast<double>(rest % (kSteps + 1)) / kSteps;
        rest /= kSteps + 1;
      }
      const double sum = misfit(trial);
      if (sum < least) least = sum, best = trial;
    }
    soc = best;
    for (size_t p = 0; p < range.size(); ++p) {
      const double width = (range[p].high - range[p].low) / 6, at = soc.*range[p].member;
      range[p].low = std::max(parameters[p].low, at - width);
      range[p].high = std::min(parameters[p].high, at + width);
    }
  }
  return soc;
}

namespace {

int run(int argc, char** argv) {
  std::string json_path;
  std::vector<MeasuredModel> models;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--json") json_path = argv[i + 1];
    else models.push_back({argv[i], std::atof(argv[i + 1])});
  }
  if (argc % 2 == 0) {
    fmt::print(stderr, "usage: {} [--json FILE] [MODEL MS ...]   (one pair: every operator of it)\n", argv[0]);
    return 2;
  }
  const Soc& soc = *find_soc("Ascend310B1");
  fmt::print("{}, constants of src/chip/soc.cc: {} GB/s, {} µs per operator, cube efficiency {}, {} cycles per filter plane\n", soc.name, soc.dram_gb_per_s, soc.launch_us, soc.cube_efficiency, soc.filter_plane_cycles);
  Json json = {{"soc", soc.name}, {"cube_mhz", soc.cube_mhz}, {"dram_gb_per_s", soc.dram_gb_per_s}, {"launch_us", soc.launch_us}, {"filter_plane_cycles", soc.filter_plane_cycles}};
  if (!models.empty()) json["compiled"] = report_compiled(models, soc);
  if (models.size() != 1) json["eager"] = report_eager(soc);
  if (!json_path.empty()) std::ofstream(json_path) << json.dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace ropeway::chip

int main(int argc, char** argv) {
  try {
    return ropeway::chip::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
