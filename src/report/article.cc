#include "report/article.h"

#include "base/text.h"

namespace ropeway {

const std::vector<ArticleTimes>& article() {
  static const std::vector<ArticleTimes> all = [] {
    std::vector<ArticleTimes> models(1);
#define ROPEWAY_ARTICLE_ROW(model, row, cpu, npu) models.back().rows.push_back({cpu, npu});
#define ROPEWAY_ARTICLE_TOTAL(name, cpu, npu) \
  models.back().model = #name;                \
  models.back().total = {cpu, npu};           \
  models.emplace_back();
#include "report/article.def"
#undef ROPEWAY_ARTICLE_ROW
#undef ROPEWAY_ARTICLE_TOTAL
    models.pop_back();
    return models;
  }();
  return all;
}

const ArticleTimes& article_times(const std::string& model) {
  std::vector<std::string> names;
  for (const ArticleTimes& times : article()) {
    if (times.model == model) return times;
    names.push_back(times.model);
  }
  fail(ErrorCode::invalid_argument, "the article has no times of '{}', only of the built-in models {}: leave --reference away", model, listed(names));
}

void check_article_rows(const ArticleTimes& times, size_t rows) {
  if (rows == times.rows.size()) return;
  fail(ErrorCode::invalid_argument, "the article has {} rows for {}, this table would have {}: leave --by and --depth away, or --reference", times.rows.size(), times.model, rows);
}

}  // namespace ropeway
