// The layout of tables, to the column.
#include "report/table.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "report/width.h"
#include "support/errors.h"

namespace ropeway {
namespace {

DeviceReport device(const std::string& name, bool predicted, std::vector<RowReport> rows) {
  DeviceReport report;
  report.device = report.title = name;
  report.compiled_whole = predicted;
  report.precision = predicted ? "fp16" : "fp32";
  report.threads = predicted ? 1 : 2;
  report.predicted = predicted;
  report.rows = std::move(rows);
  report.end_to_end = {2, 3.5, 4, 5};
  report.iterations = 7;
  report.peak_rss_mb = 12.4;
  report.load_ms = 1.6;
  report.compile_ms = 0.4;
  return report;
}

std::vector<std::string> lines(const std::string& text) { return split(text, '\n'); }

const ModelReport kOneDevice{"lenet", {{"x", {DType::f32, {1, 3}}}, {"mask", {DType::boolean, {3}}}}, 3, {device("cpu", false, {{"conv1", "Conv2d(3, 4)", 1, 2}, {"relu", "ReLU()", 0.25, 0.5}})}};

TEST(Table, OfOneDevice) {
  EXPECT_EQ(to_table(kOneDevice),
            "lenet, x: f32[1,3], mask: bool[3]\n"
            "                                       cpu\n"
            "                           fp32, 2 threads\n"
            "#  module  times in ms        min   median\n"
            "1  conv1   Conv2d(3, 4)     1.000    2.000\n"
            "2  relu    ReLU()           0.250    0.500\n"
            "           sum of rows      1.250    2.500\n"
            "           end to end       2.000    3.500\n"
            "           not in rows      0.750    1.000\n"
            "cpu: 7 iterations; end to end p90 4.000 ms, p99 5.000 ms; load 2 ms, compile 0 ms; peak memory 12 MB\n");
}

// Rows of one name meet, the k-th the k-th; what only the second device has stands below.
TEST(Table, OfTwoDevicesOneOfThemPredicted) {
  ModelReport report = kOneDevice;
  report.devices.push_back(device("npu", true, {{"relu", "ReLU()", 0.125, 0.125}, {"cast", "to fp32", 4, 4}, {"relu", "ReLU()", 8, 8}}));
  report.devices[1].iterations = 1;
  EXPECT_EQ(to_table(report),
            "lenet, x: f32[1,3], mask: bool[3]\n"
            "                                       cpu             npu\n"
            "                           fp32, 2 threads  fp16, compiled\n"
            "#  module  times in ms        min   median       predicted\n"
            "1  conv1   Conv2d(3, 4)     1.000    2.000               -\n"
            "2  relu    ReLU()           0.250    0.500           0.125\n"
            "3  cast    to fp32                       -           4.000\n"
            "4  relu    ReLU()                        -           8.000\n"
            "           sum of rows      1.250    2.500          12.125\n"
            "           end to end       2.000    3.500           3.500\n"
            "           not in rows      0.750    1.000          -8.625\n"
            "cpu: 7 iterations; end to end p90 4.000 ms, p99 5.000 ms; load 2 ms, compile 0 ms; peak memory 12 MB\n"
            "npu: times are predicted by a cost model, no NPU has run; load 2 ms, compile 0 ms; peak memory 12 MB\n");
}

TEST(Table, WithTheArticleBesideIt) {
  const ArticleTimes times{"lenet", {{6.49, 0.434}, {4, 0.25}}, {10.49, 0.684}};
  EXPECT_EQ(to_table(kOneDevice, &times),
            "lenet, x: f32[1,3], mask: bool[3]\n"
            "                                       cpu          the article\n"
            "                           fp32, 2 threads             measured\n"
            "#  module  times in ms        min   median       CPU NPU, eager\n"
            "1  conv1   Conv2d(3, 4)     1.000    2.000     6.490      0.434\n"
            "2  relu    ReLU()           0.250    0.500     4.000      0.250\n"
            "           sum of rows      1.250    2.500    10.490      0.684\n"
            "           end to end       2.000    3.500\n"
            "           not in rows      0.750    1.000\n"
            "cpu: 7 iterations; end to end p90 4.000 ms, p99 5.000 ms; load 2 ms, compile 0 ms; peak memory 12 MB\n");
  const ArticleTimes misprinted{"lenet", times.rows, {9.49, 0.684}};
  EXPECT_TRUE(to_table(kOneDevice, &misprinted).ends_with("\nThe article prints 9.490 ms as the sum for its CPU; its rows add up to 10.490.\n"));
}

// Three columns of an NPU: as the article measured it, and predicted in its way and in ours. Rows meet by path and description.
TEST(Table, WithPredictionsBesideTheArticle) {
  const ArticleTimes times{"lenet", {{6.49, 0.434}, {4, 0.25}}, {10.49, 0.684}};
  const CostReport eager{"lenet", "Ascend310B1", CostMode::eager, {}, {{"relu", "ReLU()", 0.25}, {"conv1", "Conv2d(3, 4)", 0.5}}};
  const CostReport compiled{"lenet", "Ascend310B1", CostMode::compiled, {}, {{"conv1", "Conv2d(3, 4)", 0.0625}}};
  const std::vector<CostReport> predicted = {eager, compiled};
  EXPECT_EQ(to_table(kOneDevice, &times, predicted),
            "lenet, x: f32[1,3], mask: bool[3]\n"
            "                                       cpu          the article  Ascend310B1  Ascend310B1\n"
            "                           fp32, 2 threads             measured        eager     compiled\n"
            "#  module  times in ms        min   median       CPU NPU, eager    predicted    predicted\n"
            "1  conv1   Conv2d(3, 4)     1.000    2.000     6.490      0.434        0.500        0.062\n"
            "2  relu    ReLU()           0.250    0.500     4.000      0.250        0.250            -\n"
            "           sum of rows      1.250    2.500    10.490      0.684        0.750        0.062\n"
            "           end to end       2.000    3.500\n"
            "           not in rows      0.750    1.000\n"
            "cpu: 7 iterations; end to end p90 4.000 ms, p99 5.000 ms; load 2 ms, compile 0 ms; peak memory 12 MB\n");
}

TEST(Table, LegendSaysWhatIsPredictedAndWhatIsCompiled) {
  EXPECT_EQ(table_legend(std::span(&kOneDevice, 1)), table_legend({}));
  const ModelReport npu{"lenet", {}, 3, {device("npu", true, {})}};
  EXPECT_EQ(table_legend(std::span(&npu, 1)).find("End to end is timed"), std::string::npos) << "nothing was";
  EXPECT_NE(table_legend(std::span(&npu, 1)).find("Predicted times come from a cost model"), std::string::npos);
  EXPECT_NE(table_legend(std::span(&npu, 1)).find("An NPU runs a compiled model in one piece"), std::string::npos);
}

TEST(Table, LegendSpeaksOfTheArticleOnlyBesideIt) {
  EXPECT_EQ(table_legend({}).find("article"), std::string::npos);
  EXPECT_TRUE(table_legend({}, &article()[0]).starts_with(table_legend({})));
  EXPECT_NE(table_legend({}, &article()[0]).find("Ascend 310B1"), std::string::npos);
  EXPECT_NE(table_legend({}, &article()[0]).find("Predicted times come from a cost model"), std::string::npos);
}

TEST(Table, KeepsToItsWidth) {
  ModelReport report{"wide", {}, 3, {device("cpu", false, {{"encoder.layers.encoder_layer_11.mlp.linear_1", std::string(200, 'd'), 1, 1}, {"模型.层", "Linear", 1, 1}})}};
  const auto check = [&](size_t width) {
    const std::vector<std::string> text = lines(to_table(report));
    EXPECT_EQ(display_width(text[4]), width) << text[4];
    EXPECT_EQ(display_width(text[5]), width) << text[5];
    EXPECT_TRUE(text[4].starts_with("1  …coder_layer_11.mlp.linear_1  dddd")) << text[4];
    EXPECT_NE(text[4].find("d…  "), std::string::npos) << text[4];
    EXPECT_TRUE(text[5].starts_with("2  模型.层                       Linear  ")) << text[5];
  };
  check(kTableWidth);
  // Descriptions keep 16 columns, whatever stands beside them: 1 + 2 + 28 + 2 + 16, then 19 for each device.
  while (report.devices.size() < 5) report.devices.push_back(report.devices[0]);
  check(49 + 5 * 19);
}

TEST(Table, NumbersAlignFromTenRowsOn) {
  ModelReport report{"ten", {}, 3, {device("cpu", false, std::vector<RowReport>(10, {"relu", "ReLU()", 1, 1}))}};
  const std::vector<std::string> text = lines(to_table(report));
  EXPECT_TRUE(text[3].starts_with(" #  module  ")) << text[3];
  EXPECT_TRUE(text[4].starts_with(" 1  relu    ReLU()")) << text[4];
  EXPECT_TRUE(text[13].starts_with("10  relu    ReLU()")) << text[13];
}

// The printed totals are the sums of the rows, but for the CPU's of resnet34: the article's own slip.
TEST(Article, RowsAddUpToThePrintedTotals) {
  ASSERT_EQ(article().size(), 3u);
  const std::vector<size_t> rows = {8, 5, 18};
  for (size_t m = 0; m < 3; ++m) {
    const ArticleTimes& times = article()[m];
    EXPECT_EQ(times.rows.size(), rows[m]) << times.model;
    double cpu = 0, npu = 0;
    for (const ArticleTimes::Row& row : times.rows) cpu += row.cpu_ms, npu += row.npu_ms;
    EXPECT_NEAR(cpu, times.model == "resnet34" ? times.total.cpu_ms + 1 : times.total.cpu_ms, 1e-9) << times.model;
    EXPECT_NEAR(npu, times.total.npu_ms, 1e-9) << times.model;
  }
}

TEST(Article, HasTheBuiltInModelsOnly) {
  EXPECT_EQ(&article_times("lenet"), &article()[1]);
  test::expect_error([] { article_times("model.onnx"); }, ErrorCode::invalid_argument, "only of the built-in models alexnet, lenet and resnet34");
  check_article_rows(article_times("lenet"), 5);
  test::expect_error([] { check_article_rows(article_times("lenet"), 4); }, ErrorCode::invalid_argument, "the article has 5 rows for lenet, this table would have 4");
}

}  // namespace
}  // namespace ropeway
