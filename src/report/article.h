// The article's own times, to stand beside ours.
#pragma once

#include <string>
#include <vector>

namespace ropeway {

struct ArticleTimes {
  std::string model;
  struct Row {
    double cpu_ms, npu_ms;
  };
  std::vector<Row> rows;
  Row total;  // as printed, which is not always the sum
};
const std::vector<ArticleTimes>& article();

// The times of a built-in model. Throws Error{invalid_argument}, naming the models there are, for any other.
const ArticleTimes& article_times(const std::string& model);

// Throws Error{invalid_argument} unless a table of `rows` rows can stand beside the article's.
void check_article_rows(const ArticleTimes& times, size_t rows);

}  // namespace ropeway
