#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "formats/formats.h"
#include "report/article.h"
#include "report/export.h"
#include "report/table.h"

namespace ropeway::cli {
namespace {

const std::map<std::string, RowGrouping> kGroupings = {{"auto", RowGrouping::automatic}, {"module", RowGrouping::module}, {"layer", RowGrouping::layer}, {"op", RowGrouping::op}};

struct BenchOptions {
  std::vector<std::string> models;
  std::vector<std::string> devices = {"cpu"};
  std::string by = "auto";
  int depth = 0;
  SessionOptions session;
  int warmup = kDefaultWarmup;
  std::optional<int> iterations;
  std::optional<std::string> json, csv, reference;
  bool verbose = false;
};

DeviceReport bench_device(const std::string& model_name, const std::string& device, const BenchOptions& options, const Progress& progress, std::vector<ValueInfo>& inputs) {
  SessionOptions session = options.session;
  session.device = device;
  reset_peak_rss();
  progress.line("{} on {}: reading", model_name, device);
  const Stopwatch loading;
  Graph graph = read_model(model_name, {session.batch, session.input_shapes});
  const double load_ms = loading.milliseconds();
  const Labels labels(graph);
  progress.line("{} on {}: compiling", model_name, device);
  const Stopwatch compiling;
  const auto model = Model::compile(std::move(graph), session);
  const double compile_ms = compiling.milliseconds();

  const std::vector<Row> rows = make_rows(model->graph(), steps_of(*model), kGroupings.at(options.by), options.depth, labels);
  if (options.reference) check_article_rows(article_times(model_name), rows.size());
  progress.line("{} on {}: measuring", model_name, device);
  const Measurement measurement = measure(*model, generated_inputs(model->inputs()), {options.warmup, options.iterations, nullptr});

  DeviceReport report = make_device_report(model->backend(0).info(), rows, measurement);
  report.peak_rss_mb = peak_rss_mb();
  report.load_ms = load_ms;
  report.compile_ms = compile_ms;
  inputs = model->inputs();
  return report;
}

ModelReport bench_model(const std::string& model, const BenchOptions& options, const Progress& progress) {
  ModelReport report;
  report.model = model;
  report.warmup = options.warmup;
  for (const std::string& device : options.devices) report.devices.push_back(bench_device(model, device, options, progress, report.inputs));
  return report;
}

// What can be known to be wrong before minutes are spent.
void check(const BenchOptions& options) {
  for (const std::string& device : options.devices) check_device(device);
  for (const auto& path : {options.json, options.csv}) {
    if (path) check_writable(*path);
  }
  if (options.json && options.json == options.csv) fail(ErrorCode::invalid_argument, "--json and --csv name the same file, {}", *options.json);
  for (const std::string& model : options.models) {
    if (options.reference) article_times(model);
    check_model(model);
    for (const auto& path : {options.json, options.csv}) {
      if (path) check_not_model(*path, model);
    }
  }
}

void bench(const BenchOptions& options) {
  check(options);
  const Progress progress(options.verbose);
  const Environment environment = current_environment(ROPEWAY_VERSION);
  fmt::print("ropeway {} on {} ({}, {} processors), {}\n\n", environment.version, environment.processor, environment.simd, environment.processors, environment.system);
  std::vector<ModelReport> reports;
  for (const std::string& model : options.models) {
    reports.push_back(bench_model(model, options, progress));
    fmt::print("{}\n", to_table(reports.back(), options.reference ? &article_times(model) : nullptr));
    std::fflush(stdout);
  }
  fmt::print("{}", table_legend(options.reference ? &article_times(options.models[0]) : nullptr));
  if (options.json) write_file(*options.json, to_json(reports, environment));
  if (options.csv) write_file(*options.csv, to_csv(reports));
}

void add_row_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--by", options.by, fmt::format("What makes a row. layer: an operator with weights and what follows it; module: a module of the Python code; op: a step; auto: layer where that gives at most {} rows, else module", kReadableRows))
      ->check(CLI::IsMember(kGroupings))
      ->capture_default_str()
      ->type_name("GROUPING");
  command.add_option("--depth", options.depth, fmt::format("Parts of the module path that make a row, from 1; without: as many as give at most {} rows", kReadableRows))->check(CLI::Range(1, 1000))->type_name("N");
}

void add_measuring_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--warmup", options.warmup, "Runs before the first that counts")->check(CLI::Range(0, 1000000))->capture_default_str()->type_name("N");
  command.add_option("--iterations", options.iterations, fmt::format("Runs that count; without: as many as take {} s, at least {}", kDefaultSeconds, kLeastIterations))->check(CLI::Range(1, 1000000))->type_name("N");
}

void add_output_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--json", options.json, "Write a JSON array with an entry per model")->type_name("FILE");
  command.add_option("--csv", options.csv, "Write a line per row")->type_name("FILE");
  command.add_option("--reference", options.reference, "article: set its times beside these (built-in models only)")->check(CLI::IsMember({"article"}))->type_name("NAME");
  command.add_flag("--verbose", options.verbose, "Say on standard error what is being done, even when nobody watches");
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* const command = app.add_subcommand("bench", "Time models, module by module");
  command->add_option("MODEL", options->models, "Built-in models (alexnet, lenet, resnet34), .pt2 or .onnx files")->required()->type_name("");
  command->add_option("--device", options->devices, "Where to run, one or several with commas; `ropeway devices` lists them")->delimiter(',')->allow_extra_args(false)->capture_default_str()->type_name("NAME,...");
  add_row_options(*command, *options);
  add_batch_option(*command, options->session);
  add_engine_options(*command, options->session);
  add_measuring_options(*command, *options);
  add_output_options(*command, *options);
  command->footer(std::string("\nExamples:\n"
                              "  ropeway bench alexnet lenet resnet34 --reference article\n"
                              "  ropeway bench model.pt2 --batch 8 --threads 1 --json times.json\n"
                              "  ropeway bench model.onnx --by module --depth 2\n\n") +
                  kExitStatuses);
  command->callback([options] { bench(*options); });
}

}  // namespace ropeway::cli
