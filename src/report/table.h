// Reports for people.
#pragma once

#include <span>
#include <string>

#include "report/article.h"
#include "report/cost.h"
#include "report/report.h"

namespace ropeway {

inline constexpr size_t kTableWidth = 120;
inline constexpr size_t kLongestPath = 28;
inline constexpr size_t kShortestDescription = 16;  // cut no further, even if the line then is too long

// One model: its rows, with the minimum and the median of every device side by side; sum of rows, end to end, and what the rows do not cover.
// Rows of further devices stand beside the first device's row of the same path and description. `reference`, when given, adds the article's columns, and beside
// them a column for each of `predicted`.
// Long descriptions are cut with … so that lines keep to kTableWidth columns, unless there are too many devices for that.
std::string to_table(const ModelReport& report, const ArticleTimes* reference = nullptr, std::span<const CostReport> predicted = {});

// What the lines of tables mean, to print once below them.
std::string table_legend(std::span<const ModelReport> reports, const ArticleTimes* reference = nullptr);

}  // namespace ropeway
