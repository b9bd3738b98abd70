// `ropeway bench`: rows, tables and files for programs.
#include <nlohmann/json.hpp>
#include <regex>

#include "base/text.h"
#include "program.h"
#include "report/width.h"

namespace ropeway::cli_test {
namespace {

using Json = nlohmann::json;

const std::string kOnce = " --warmup 0 --iterations 1 ";

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items()) names.push_back(key);
  return names;  // in alphabetical order
}

class Bench : public Program {
 protected:
  Json json(const std::string& name) const { return Json::parse(read_text(file(name))); }
  // The rows of a model on the only device that is there.
  Json rows(const std::string& arguments) const {
    succeeds("bench " + arguments + kOnce + "--json rows.json");
    return json("rows.json")[0]["devices"][0]["rows"];
  }
  std::vector<std::string> paths(const std::string& arguments) const {
    std::vector<std::string> result;
    for (const Json& row : rows(arguments)) result.push_back(row["path"]);
    return result;
  }
};

// The rows of the article, with its numbers beside them.
TEST_F(Bench, BuiltInModelsHaveTheRowsOfTheArticle) {
  const Outcome outcome = succeeds("bench alexnet lenet resnet34 --threads 2" + kOnce + "--reference article --json times.json --csv times.csv");
  const Json models = json("times.json");
  ASSERT_EQ(models.size(), 3u);
  const std::vector<std::pair<std::string, size_t>> expected = {{"alexnet", 8}, {"lenet", 5}, {"resnet34", 18}};
  for (size_t m = 0; m < expected.size(); ++m) {
    EXPECT_EQ(models[m]["model"], expected[m].first);
    EXPECT_EQ(models[m]["devices"][0]["rows"].size(), expected[m].second);
  }
  EXPECT_EQ(models[0]["devices"][0]["rows"][5]["description"], "Linear(in_features=9216, out_features=4096, bias=True)");
  EXPECT_EQ(models[1]["devices"][0]["rows"][0]["description"], "Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))");
  EXPECT_EQ(models[2]["devices"][0]["rows"][3]["description"], "BasicBlock(64, 64)");
  for (const char* line : {"186.742     13.936  ", "306.406     35.394  ", "the article  Ascend310B1  Ascend310B1\n", "measured        eager     compiled\n", "CPU NPU, eager    predicted    predicted\n",
                           "The article prints 458.324 ms as the sum for its CPU; its rows add up to 459.324.\n"}) {
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << "\n" << outcome.out;
  }
  EXPECT_EQ(count(outcome.out, "sum of rows "), 3u);
  EXPECT_EQ(count(outcome.out, "end to end  "), 3u);
  EXPECT_EQ(count(outcome.out, "not in rows "), 3u);
  EXPECT_EQ(count(outcome.out, "fp32, 2 threads"), 3u);
  // A line per row, one for each end to end, and the head.
  EXPECT_EQ(count(read_text(file("times.csv")), "\r\n"), 8u + 5 + 18 + 3 + 1);
}

TEST_F(Bench, JsonKeepsItsSchema) {
  succeeds("bench " + golden("resnet.dynamic.onnx") + " --batch 2 --threads 1 --warmup 1 --iterations 3 --json times.json");
  const Json models = json("times.json");
  ASSERT_TRUE(models.is_array());
  ASSERT_EQ(models.size(), 1u);
  const Json& model = models[0];
  EXPECT_EQ(keys(model), (std::vector<std::string>{"devices", "environment", "model", "schema"}));
  EXPECT_EQ(model["schema"], 1);
  EXPECT_TRUE(std::string(model["model"]).ends_with("resnet.dynamic.onnx"));
  const Json& device = model["devices"][0];
  EXPECT_EQ(keys(device), (std::vector<std::string>{"compile_ms", "compiled_whole", "device", "end_to_end_ms", "load_ms", "load_to_first_output_ms", "peak_mb", "peak_rss_mb", "precision", "predicted", "resident_mb", "rows", "rows_apart", "split", "sum_of_rows_ms", "threads", "title"}));
  EXPECT_EQ(device["device"], "cpu");
  EXPECT_EQ(device["precision"], "fp32");
  EXPECT_EQ(device["threads"], 1);
  EXPECT_EQ(device["predicted"], false);
  EXPECT_GT(device["load_to_first_output_ms"], double(device["load_ms"]) + double(device["compile_ms"]));
  EXPECT_GE(device["peak_mb"], device["resident_mb"]);
  EXPECT_GT(device["load_ms"], 0);
  EXPECT_GT(device["compile_ms"], 0);
  const Json& whole = device["end_to_end_ms"];
  EXPECT_EQ(keys(whole), (std::vector<std::string>{"median", "min", "p90", "p99"}));
  EXPECT_GT(whole["min"], 0);
  EXPECT_LE(whole["min"], whole["median"]);
  EXPECT_LE(whole["median"], whole["p90"]);
  EXPECT_LE(whole["p90"], whole["p99"]);
  double sum = 0;
  for (size_t i = 0; i < device["rows"].size(); ++i) {
    const Json& row = device["rows"][i];
    EXPECT_EQ(keys(row), (std::vector<std::string>{"description", "fused", "index", "latency_ms", "path"}));
    EXPECT_EQ(keys(row["latency_ms"]), (std::vector<std::string>{"median", "min"}));
    EXPECT_EQ(row["index"], i + 1);
    EXPECT_LE(row["latency_ms"]["min"], row["latency_ms"]["median"]);
    sum += row["latency_ms"]["median"].get<double>();
  }
  EXPECT_NEAR(device["sum_of_rows_ms"].get<double>(), sum, 1e-5);
  EXPECT_EQ(model["environment"]["inputs"]["x"], "f32[2,3,20,20]");
  EXPECT_EQ(model["environment"]["iterations"]["cpu"], 3);
  EXPECT_EQ(model["environment"]["warmup"], 1);
}

TEST_F(Bench, WeightsOf16BitsAreSaid) {
  const Outcome outcome = ropeway("bench lenet --precision fp16 --threads 1" + kOnce + "--json half.json");
  EXPECT_EQ(json("half.json")[0]["devices"][0]["precision"], "fp16 weights");
  EXPECT_NE(outcome.out.find("fp16 weights, 1 thread"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("of weights are stored in 16 bits, the rest in 32, arithmetic is fp32"), std::string::npos) << outcome.err;
  // Where no kernel has any, too.
  const Outcome none = ropeway("bench " + golden("lenet.d20.onnx") + " --precision fp16 --threads 1" + kOnce);
  EXPECT_NE(none.out.find(" fp32, 1 thread"), std::string::npos) << none.out;
  EXPECT_NE(none.err.find("no kernel that this model uses on the CPU has weights of 16 bits"), std::string::npos) << none.err;
}

TEST_F(Bench, CsvHasALinePerRow) {
  succeeds("bench " + golden("lenet.d20.onnx") + " --threads 1" + kOnce + "--csv times.csv");
  const std::vector<std::string> lines = split(read_text(file("times.csv")), '\n');
  ASSERT_EQ(lines.size(), 1 + 4 + 1 + 1u);  // nothing follows the last line break
  EXPECT_EQ(lines[0], "model,device,precision,threads,predicted,index,path,description,latency_min_ms,latency_median_ms\r");
  // Of one iteration the least time is the median.
  const std::string times = R"((\d+\.\d{6}),\1\r)";
  EXPECT_TRUE(std::regex_search(lines[1], std::regex(R"re(/lenet\.d20\.onnx,cpu,fp32,1,false,1,features\.0,"Conv2d\(1, 4, kernel_size=\(5, 5\), stride=\(1, 1\)\)",)re" + times))) << lines[1];
  EXPECT_TRUE(std::regex_search(lines[5], std::regex(R"re(/lenet\.d20\.onnx,cpu,fp32,1,false,,,end to end,)re" + times))) << lines[5];
}

TEST_F(Bench, RowsByLayerModuleAndOperator) {
  const std::vector<std::string> layers = {"conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2", "layer1.1.downsample.0", "fc"};
  const std::string model = golden("resnet.plain.onnx");
  EXPECT_EQ(paths(model), layers);
  EXPECT_EQ(paths(model + " --by auto"), layers);
  EXPECT_EQ(paths(model + " --by layer"), layers);
  // The reshape before fc belongs to no module of its own.
  EXPECT_EQ(paths(model + " --by module --depth 1"), (std::vector<std::string>{"conv1", "maxpool", "layer1", "avgpool", "(model)", "fc"}));
  EXPECT_EQ(paths(model + " --by module --depth 2"), (std::vector<std::string>{"conv1", "maxpool", "layer1.0", "layer1.1", "avgpool", "(model)", "fc"}));
  const std::vector<std::string> deepest = {"conv1", "maxpool", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2", "layer1.1.downsample.0", "avgpool", "(model)", "fc"};
  EXPECT_EQ(paths(model + " --by module"), deepest);
  std::vector<std::string> steps = deepest;
  steps[8] = "node_view";
  // A change of layout is a step of its own, named after what needs it.
  std::vector<std::string> by_op = paths(model + " --by op");
  by_op.erase(std::unique(by_op.begin(), by_op.end()), by_op.end());
  EXPECT_EQ(by_op, steps);
}

TEST_F(Bench, ModulesAreDescribedByTheirClass) {
  const Json modules = rows(golden("resnet.plain.onnx") + " --by module --depth 2");
  EXPECT_EQ(modules[2]["description"], "Block(2 Conv2d, 2 ReLU, add)");
  EXPECT_EQ(modules[6]["description"], "Linear(in_features=8, out_features=10, bias=True)");
}

TEST_F(Bench, SwitchingPassesOffChangesTheRows) {
  EXPECT_EQ(paths(golden("resnet.plain.onnx") + " --by op --disable-pass fold_batch_norm")[1], "bn1");
}

TEST_F(Bench, SeveralDevicesStandSideBySide) {
  const Outcome outcome = succeeds("bench " + golden("lenet.d20.onnx") + kOnce + "--threads 1 --device cpu,cpu --json times.json");
  EXPECT_EQ(json("times.json")[0]["devices"].size(), 2u);
  EXPECT_NE(outcome.out.find("fp32, 1 thread     fp32, 1 thread\n"), std::string::npos) << outcome.out;
  EXPECT_EQ(count(outcome.out, "\ncpu: 1 iteration; "), 2u) << outcome.out;
}

// The process that starts this one may be a large one: its memory is not this model's.
TEST_F(Bench, PeakMemoryIsThatOfTheModel) {
  const std::vector<char> held(400'000'000, 1);
  succeeds("bench " + golden("lenet.d20.onnx") + kOnce + "--json times.json");
  const double peak = json("times.json")[0]["devices"][0]["peak_rss_mb"];
  EXPECT_GT(peak, 1);
  EXPECT_LT(peak, 300) << held.size();
}

TEST_F(Bench, VerboseSaysWhatIsDone) {
  const Outcome outcome = ropeway("bench " + golden("lenet.d20.onnx") + kOnce + "--verbose");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("on cpu: measuring\n"), std::string::npos) << outcome.err;
}

// The shape of the table, not its numbers: these are tests/report's, from made-up times.
TEST_F(Bench, VerboseSetsEveryStepOfTheCpuBesideThePeaks) {
  const std::string model = golden("lenet.d20.onnx");
  const std::string text = ropeway("bench " + model + " " + model + kOnce + "--threads 1 --verbose --json times.json").out;
  const std::string head = "The CPU's steps on 1 thread; this machine's peaks on it: ";
  EXPECT_EQ(count(text, head), 2u) << text;
  EXPECT_EQ(count(text, "Sum of the steps "), 2u);
  EXPECT_EQ(count(text, "GFLOP/s counts "), 1u) << "the legend stands once";
  const size_t begin = text.find('\n', text.find(head)) + 1;
  const std::vector<std::string> lines = split(text.substr(begin, text.find("\nSum of the steps ") - begin), '\n');
  const Json device = json("times.json")[0]["devices"][0];
  ASSERT_EQ(lines.size(), device["steps"].size() + 2) << text;
  EXPECT_TRUE(std::regex_match(lines.front(), std::regex(" *# +module +operator +kernel +ms +share +GFLOP/s +GB/s +bound +of peak"))) << lines.front();
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    EXPECT_TRUE(std::regex_match(lines[i], std::regex(R"( *\d+  \S+ .*  \S+( \[\d+\])? +\d+\.\d{4} +\d+\.\d% +(\d+\.\d|-) +(\d+\.\d|-)  (compute|memory|none) +(\d+\.\d%|-))"))) << lines[i];
    EXPECT_EQ(display_width(lines[i]), lines.front().size()) << "columns of fixed width: " << lines[i];
  }
  EXPECT_TRUE(std::regex_match(lines.back(), std::regex(R"( +total +\d+\.\d{4} +100\.0% .*%)"))) << lines.back();

  EXPECT_EQ(device["peak"]["threads"], 1);
  EXPECT_GT(device["peak"]["gflop_per_s"], 0);
  EXPECT_GT(device["peak"]["gb_per_s"], 0);
  const auto first = std::find_if(device["steps"].begin(), device["steps"].end(), [](const Json& step) { return step["path"] == "features.0" && step["flops"] == 163200; });  // as in inspect_test.cc
  ASSERT_NE(first, device["steps"].end()) << device["steps"];
  EXPECT_TRUE(std::string((*first)["kernel"]).starts_with("conv.")) << *first;
  EXPECT_EQ(json("times.json")[1]["devices"][0]["peak"], device["peak"]) << "is measured once";
  EXPECT_EQ(count(succeeds("bench " + model + kOnce).out, "GFLOP/s"), 0u);
}

TEST_F(Bench, WrongArguments) {
  fails("bench", 5, {"MODEL is required", "see ropeway bench --help"});
  fails("bench lenet --by layers", 5, {"--by: layers not in {auto,layer,module,op}"});
  fails("bench lenet --depth 0", 5, {"--depth"});
  fails("bench lenet --iterations 0", 5, {"--iterations"});
  fails("bench lenet --iterations many", 5, {"--iterations", "many"});
  fails("bench lenet --warmup -1", 5, {"--warmup"});
  fails("bench lenet --threads 0", 5, {"--threads"});
  fails("bench lenet --batch 0", 5, {"--batch"});
  fails("bench lenet --device cpu,gpu", 5, {"there is no device 'gpu'; there is cpu"});
  fails("bench lenet --disable-pass fold", 5, {"there is no pass 'fold'", "fold_batch_norm"});
  fails("bench lenet --disable-pass remove_dead_code", 5, {"'remove_dead_code' cannot be switched off"});
  fails("bench lenet --kernel conv.driect", 5, {"no step of lenet can use the kernel 'conv.driect'", "conv.direct"});
  fails("bench " + golden("resnet.plain.onnx") + " --batch 4", 5, {"dimension 0 of input x to 2, but 4 is asked for"});
  fails("bench " + golden("resnet.plain.onnx") + " --reference article", 5, {"the article has no times of", "alexnet, lenet and resnet34", "leave --reference away"});
  fails("bench lenet --json times --csv times", 5, {"--json and --csv name the same file, times"});
  fails("bench lenet --reference paper", 5, {"--reference"});
  fails("bench lenet --by op --reference article", 5, {"the article has 5 rows for lenet"});
}

// What can be known to be wrong is said before anything is measured.
TEST_F(Bench, WrongFilesAreFoundBeforeMeasuring) {
  fs::create_directory(file("folder"));
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"folder", "folder is a folder"},
      {"missing.onnx", "there is no model 'missing.onnx'"},
      {"resnet43", "Did you mean resnet34?"},
      {"--json missing/times.json", "there is no folder missing"},
      {"--csv folder", "cannot write folder: it is a folder"},
  };
  for (const auto& [arguments, part] : wrong) {
    EXPECT_EQ(fails("bench lenet " + arguments + kOnce, 6, {part}).out, "") << arguments;
  }
}

TEST_F(Bench, FilesThatCannotBeWrittenAfterAll) {
  fails("bench " + golden("lenet.d20.onnx") + kOnce + "--json /dev/full", 6, {"cannot write /dev/full: No space left on device"});
  fails("bench " + golden("lenet.d20.onnx") + kOnce + "--csv /dev/full", 6, {"cannot write /dev/full: No space left on device"});
  fails("bench " + golden("lenet.d20.onnx") + kOnce + "> /dev/full", 6, {"No space left on device"});
}

}  // namespace
}  // namespace ropeway::cli_test
