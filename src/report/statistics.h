// What is said of a list of times.
#pragma once

#include <vector>

namespace ropeway {

struct Statistics {
  double min = 0, median = 0, p90 = 0, p99 = 0;
};

// Quantiles interpolate linearly between the two nearest samples, as NumPy does. All zero for no samples.
Statistics statistics(std::vector<double> samples);

}  // namespace ropeway
