// Reports for programs, from names that nobody vouches for.
#include "report/export.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ropeway {
namespace {

using Json = nlohmann::json;

ModelReport report_of(const std::string& model, std::vector<RowReport> rows) {
  DeviceReport device;
  device.device = "npu";
  device.precision = "fp16";
  device.predicted = true;
  device.rows = std::move(rows);
  device.end_to_end = {1, 2, 3, 4};
  device.title = "the chip";
  device.iterations = 9;
  device.peak_rss_mb = 10.26;
  device.load_ms = 0.5;
  device.compile_ms = 0.25;
  return {model, {{"x", {DType::i64, {2}}}}, 3, {device}};
}
const Environment kEnvironment{"0.1.0", "a processor", 2, "AVX2", "a system", "2026-01-02T03:04:05Z"};

TEST(Export, Json) {
  const std::vector<ModelReport> reports = {report_of("first", {{"a", "ReLU()", 0.1234567891, 0.5}, {"b", "add", 1, 1.25}}), report_of("second", {})};
  const Json expected = Json::parse(R"json([
    {"schema": 1, "model": "first",
     "devices": [{"device": "npu", "title": "the chip", "precision": "fp16", "threads": 1, "predicted": true, "split": false, "compiled_whole": false, "rows_apart": false,
                  "rows": [{"index": 1, "path": "a", "description": "ReLU()", "fused": false, "latency_ms": {"min": 0.123457, "median": 0.5}},
                           {"index": 2, "path": "b", "description": "add", "fused": false, "latency_ms": {"min": 1.0, "median": 1.25}}],
                  "sum_of_rows_ms": 1.75, "end_to_end_ms": {"min": 1.0, "median": 2.0, "p90": 3.0, "p99": 4.0},
                  "peak_rss_mb": 10.3, "load_ms": 0.5, "compile_ms": 0.25}],
     "environment": {"version": "0.1.0", "processor": "a processor", "processors": 2, "simd": "AVX2", "system": "a system", "date": "2026-01-02T03:04:05Z",
                     "inputs": {"x": "i64[2]"}, "warmup": 3, "iterations": {"npu": 9}}},
    {"schema": 1, "model": "second",
     "devices": [{"device": "npu", "title": "the chip", "precision": "fp16", "threads": 1, "predicted": true, "split": false, "compiled_whole": false, "rows_apart": false, "rows": [],
                  "sum_of_rows_ms": 0.0, "end_to_end_ms": {"min": 1.0, "median": 2.0, "p90": 3.0, "p99": 4.0},
                  "peak_rss_mb": 10.3, "load_ms": 0.5, "compile_ms": 0.25}],
     "environment": {"version": "0.1.0", "processor": "a processor", "processors": 2, "simd": "AVX2", "system": "a system", "date": "2026-01-02T03:04:05Z",
                     "inputs": {"x": "i64[2]"}, "warmup": 3, "iterations": {"npu": 9}}}])json");
  EXPECT_EQ(Json::parse(to_json(reports, kEnvironment)), expected);
}

TEST(Export, JsonHasTheFirstRunWhereThereWasOne) {
  ModelReport report = report_of("m", {});
  report.devices[0].load_to_first_output_ms = 12.5;
  report.devices[0].resident_mb = 101.26;
  report.devices[0].peak_mb = 150;
  const Json device = Json::parse(to_json(std::vector{report}, kEnvironment))[0]["devices"][0];
  EXPECT_EQ(device["load_to_first_output_ms"], 12.5);
  EXPECT_EQ(device["resident_mb"], 101.3);
  EXPECT_EQ(device["peak_mb"], 150.0);
}

TEST(Export, JsonOfNoModelIsAnEmptyArray) { EXPECT_EQ(to_json({}, kEnvironment), "[]\n"); }

TEST(Export, JsonOfNamesThatAreNoUtf8) {
  const std::vector<ModelReport> reports = {report_of("a\xff\"\n", {})};
  EXPECT_EQ(Json::parse(to_json(reports, kEnvironment))[0]["model"], "a\uFFFD\"\n");
}

TEST(Export, Csv) {
  const std::vector<ModelReport> reports = {report_of("a,b", {{"c", "say \"hi\"", 0.5, 1}, {"d\ne", "ReLU()", 2, 2.0000004}})};
  EXPECT_EQ(to_csv(reports),
            "model,device,precision,threads,predicted,index,path,description,latency_min_ms,latency_median_ms\r\n"
            "\"a,b\",npu,fp16,1,true,1,c,\"say \"\"hi\"\"\",0.500000,1.000000\r\n"
            "\"a,b\",npu,fp16,1,true,2,\"d\ne\",ReLU(),2.000000,2.000000\r\n"
            "\"a,b\",npu,fp16,1,true,,,end to end,1.000000,2.000000\r\n");
}

TEST(Environment, SaysWhereItIs) {
  const Environment here = current_environment("1.2.3");
  EXPECT_EQ(here.version, "1.2.3");
  EXPECT_GE(here.processors, 1);
  EXPECT_FALSE(here.processor.empty());
  EXPECT_FALSE(here.simd.empty());
  EXPECT_NE(here.system.find("Linux "), std::string::npos) << here.system;
  ASSERT_EQ(here.date.size(), 20u) << here.date;
  EXPECT_EQ(here.date[10], 'T');
  EXPECT_EQ(here.date[19], 'Z');
}

}  // namespace
}  // namespace ropeway
