#include <algorithm>
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

struct BenchOptions {
  std::vector<std::string> models;
  std::vector<std::string> devices = {""};  // see SessionOptions
  RowOptions rows;
  std::string timing = "whole";  // of rows, on an NPU
  SessionOptions session;
  int warmup = kDefaultWarmup;
  std::optional<int> iterations;
  std::optional<std::string> json, csv, reference;
  bool verbose = false;
};

// Beside an NPU, whose precision it is, the CPU computes as ever: in fp32, its weights, too. --help says so.
SessionOptions session_on(const std::string& device, const std::string& model, const BenchOptions& options) {
  SessionOptions session = options.session;
  session.device = device;
  const auto is_cpu = [&](const std::string& name) { return resolve_device(name, model) == "cpu"; };
  if (is_cpu(device) && !std::ranges::all_of(options.devices, is_cpu)) session.precision.clear();
  return session;
}

// What a program that loads a model and runs it once waits for and needs.
struct FirstRun {
  double ms = 0, resident_mb = 0, peak_mb = 0;

  // After the times of loading.
  void put_into(DeviceReport& report) const {
    if (ms == 0) return;
    report.load_to_first_output_ms = report.load_ms + report.compile_ms + ms;
    report.resident_mb = resident_mb;
    report.peak_mb = peak_mb;
  }
};

FirstRun run_first(const Model& model) {
  if (model.info().predicted) return {};
  const std::vector<Tensor> inputs = generated_inputs(model.inputs());
  const Stopwatch running;
  const auto context = model.make_context();
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model.outputs()) outputs.emplace_back(output.type);
  model.run(*context, inputs, outputs, nullptr);
  return {running.milliseconds(), resident_mb(), peak_rss_mb()};
}

// One model on one device after the other.
class ModelBench {
 public:
  ModelBench(std::string model, const BenchOptions& options, const Progress& progress) : model_(std::move(model)), options_(options), progress_(progress) {
    report_.model = model_;
    report_.warmup = options.warmup;
  }

  ModelReport run() {
    for (const std::string& device : options_.devices) report_.devices.push_back(bench_device(device));
    return std::move(report_);
  }

 private:
  DeviceReport bench_device(const std::string& device) {
    const SessionOptions session = session_on(device, model_, options_);
    reset_peak_rss();
    DeviceReport report = is_compiled_model(model_) ? bench_compiled(session) : bench_graph(session);
    report.peak_rss_mb = peak_rss_mb();
    return report;
  }

  // A compiled model is one row.
  DeviceReport bench_compiled(const SessionOptions& session) {
    say(session, "loading");
    const Stopwatch loading;
    const auto model = Model::load(model_, session);
    const double load_ms = loading.milliseconds();
    const FirstRun first = run_first(*model);
    const Row whole{"(model)", "compiled for " + model->backend(0).info().title, {0}, 0, 0};
    DeviceReport report = make_device_report(model->backend(0).info(), std::span(&whole, 1), measure_model(*model, session));
    report.load_ms = load_ms;
    first.put_into(report);
    report_.inputs = model->inputs();
    return report;
  }

  DeviceReport bench_graph(SessionOptions session) {
    say(session, "reading");
    const Stopwatch loading;
    Graph graph = read_model(model_, {session.batch, session.input_shapes});
    const double load_ms = loading.milliseconds();
    const Labels labels(graph);
    const DeviceInfo device = make_backend(session, model_)->info();
    bool separate = !device.times_steps || (options_.timing == "separate" && device.compiles_whole);
    session.time_steps = !separate;
    std::optional<Graph> again;  // to compile row by row; constants are shared
    if (device.compiles_whole) again = graph;

    if (report_.devices.empty()) print_substitutions(graph, session, generated_inputs(describe(graph, graph.inputs)));
    say(session, "compiling");
    const Stopwatch compiling;
    const auto model = Model::compile(std::move(graph), session);
    const double compile_ms = compiling.milliseconds();
    const FirstRun first = run_first(*model);
    print_notes(*model);
    print_split(*model);
    if (const std::string why = separate ? "" : model->why_not_timed(); !why.empty()) {
      fmt::print(stderr, "note: {}; each row is compiled and run by itself instead\n", why);
      separate = true;
    }
    // Rows are those of the first device, so that they can stand side by side.
    if (steps_.empty()) steps_ = separate ? steps_by_node(model->graph()) : steps_of(*model);
    std::vector<Row> rows = make_rows(model->graph(), steps_, options_.rows.grouping(), options_.rows.depth, labels);
    if (options_.reference) check_article_rows(article_times(model_), rows.size());
    Measurement measurement = measure_model(*model, session);
    std::optional<CpuSteps> steps;
    if (options_.verbose) steps = cpu_steps(*model, measurement, labels);
    if (separate) measurement.step_ms = measure_rows(std::move(*again), *model, session, rows);
    else assign_steps(rows, rows_by_node(model->graph().nodes.size(), steps_, rows), steps_of(*model));

    DeviceReport report = make_device_report(model->info(), rows, measurement);
    report.split = model->is_split();
    report.rows_apart = separate;
    report.load_ms = load_ms;
    report.compile_ms = compile_ms;
    report.cpu_steps = std::move(steps);
    first.put_into(report);
    report_.inputs = model->inputs();
    return report;
  }

  // Times of the rows, each compiled and run by itself. Their steps become those that were timed.
  std::vector<std::vector<double>> measure_rows(Graph graph, const Model& whole, const SessionOptions& session, std::vector<Row>& rows) {
    say(session, "compiling row by row");
    const std::vector<int> row_of = rows_by_node(whole.graph().nodes.size(), steps_, rows);
    const auto pieces = Model::compile(std::move(graph), session, row_of);
    for (Row& row : rows) row.steps.clear();
    const std::vector<Segment>& segments = pieces->plan().segments;
    int step = 0;  // an NPU's segment is one, the CPU's have several
    for (size_t s = 0; s < segments.size(); ++s) {
      Row& row = rows[static_cast<size_t>(row_of[static_cast<size_t>(segments[s].nodes[0])])];
      for (size_t i = 0; i < pieces->executables()[s]->steps().size(); ++i) row.steps.push_back(step++);
    }
    return measure_model(*pieces, session).step_ms;
  }

  Measurement measure_model(const Model& model, const SessionOptions& session) {
    say(session, "measuring");
    return measure(model, generated_inputs(model.inputs()), {options_.warmup, options_.iterations, nullptr});
  }

  void say(const SessionOptions& session, const char* what) const { progress_.line("{} on {}: {}", model_, resolve_device(session.device, model_), what); }

  const std::string model_;
  const BenchOptions& options_;
  const Progress& progress_;
  ModelReport report_;
  std::vector<ModelStep> steps_;  // of the model, as its rows are made of them
};

// What stands beside the article's NPU: its way of running a model, and ours where no device in the table predicts that already.
std::vector<CostReport> predictions(const std::string& model, const BenchOptions& options, const ModelReport& report) {
  const Graph graph = read_model(model, {options.session.batch, options.session.input_shapes});
  const chip::Soc& soc = *chip::find_soc("Ascend310B1");  // the article's
  CostOptions cost{CostMode::eager, options.rows.grouping(), options.rows.depth, options.session.disabled_passes};
  cost.disabled_passes.erase("fuse");  // the CPU's own
  std::vector<CostReport> result = {predict_cost(graph, soc, cost)};
  cost.mode = CostMode::compiled;
  if (std::none_of(report.devices.begin(), report.devices.end(), [](const DeviceReport& device) { return device.predicted; })) result.push_back(predict_cost(graph, soc, cost));
  return result;
}

// The CPU's steps of each device that has some, below the table, beside the machine's peak: measured once, when it is needed first. Whether there were any.
bool print_cpu_steps(ModelReport& report, std::optional<cpu::Peak>& peak) {
  bool any = false;
  for (DeviceReport& device : report.devices) {
    if (!device.cpu_steps) continue;
    any = true;
    if (!peak) peak = cpu::measure_peak(device.cpu_steps->threads);
    device.cpu_steps->peak = *peak;
    fmt::print("{}{}\n", report.devices.size() > 1 ? device.title + ". " : "", to_table(*device.cpu_steps, device.end_to_end));
  }
  return any;
}

// What can be known to be wrong before minutes are spent.
void check(const BenchOptions& options) {
  for (const auto& path : {options.json, options.csv}) {
    if (path) check_writable(*path);
  }
  if (options.json && options.json == options.csv) fail(ErrorCode::invalid_argument, "--json and --csv name the same file, {}", *options.json);
  for (const std::string& model : options.models) {
    if (options.reference) article_times(model);
    check_model(model);
    for (const std::string& device : options.devices) {
      check_device(session_on(device, model, options), model);
      warn_of_slow_compiling(device, model);
    }
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
  std::optional<cpu::Peak> peak;
  bool any_steps = false;
  const auto write_files = [&] {
    if (options.json) write_file(*options.json, to_json(reports, environment));
    if (options.csv) write_file(*options.csv, to_csv(reports));
  };
  try {
    for (const std::string& model : options.models) {
      reports.push_back(ModelBench(model, options, progress).run());
      if (options.reference) fmt::print("{}\n", to_table(reports.back(), &article_times(model), predictions(model, options, reports.back())));
      else fmt::print("{}\n", to_table(reports.back()));
      any_steps |= print_cpu_steps(reports.back(), peak);
      std::fflush(stdout);
    }
  } catch (Error& error) {
    // What was measured before, minutes of work on a board, is not lost.
    if (!reports.empty() && (options.json || options.csv)) {
      write_files();
      error.add_note("the models before it are in the files that were asked for");
    }
    throw;
  }
  fmt::print("{}", table_legend(reports, options.reference ? &article_times(options.models[0]) : nullptr));
  if (any_steps) fmt::print("{}", cpu_steps_legend());
  write_files();
}

void add_timing_option(CLI::App& command, BenchOptions& options) {
  command.add_option("--rows", options.timing, "How an NPU's rows are timed. whole: by its profiler, in the compiled model; separate: each row is compiled and run by itself, which takes a run of the compiler per row")
      ->check(CLI::IsMember({"whole", "separate"}))
      ->capture_default_str()
      ->type_name("HOW");
}

void add_measuring_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--warmup", options.warmup, "Runs before the first that counts")->check(CLI::Range(0, 1000000))->capture_default_str()->type_name("N");
  command.add_option("--iterations", options.iterations, fmt::format("Runs that count; without: as many as take {} s, at least {}", kDefaultSeconds, kLeastIterations))->check(CLI::Range(1, 1000000))->type_name("N");
}

void add_output_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--json", options.json, "Write a JSON array with an entry per model")->type_name("FILE");
  command.add_option("--csv", options.csv, "Write a line per row")->type_name("FILE");
  command.add_option("--reference", options.reference, "article: set its times beside these, and what the cost model predicts for its NPU (built-in models only)")->check(CLI::IsMember({"article"}))->type_name("NAME");
  command.add_flag("--verbose", options.verbose, "Every step of the CPU: its kernel, why others declined, and how near it comes to what the machine can do; and on standard error what is being done");
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* const command = app.add_subcommand("bench", "Time models, module by module");
  command->add_option("MODEL", options->models, "Built-in models (alexnet, lenet, resnet34), .pt2, .onnx or compiled .om files")->required()->type_name("");
  command->add_option("--device", options->devices, "Where to run, one or several with commas; `ropeway devices` lists them; auto: npu if there is one, else cpu. Without: cpu, or what a compiled model is for")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  add_fallback_option(*command, options->session);
  add_row_options(*command, options->rows);
  add_timing_option(*command, *options);
  add_batch_option(*command, options->session);
  add_precision_options(*command, options->session);
  add_engine_options(*command, options->session);
  add_seed_option(*command, options->session);
  add_substitute_option(*command, options->session);
  add_measuring_options(*command, *options);
  add_output_options(*command, *options);
  command->footer(std::string("\nExamples:\n"
                              "  ropeway bench alexnet lenet resnet34 --device cpu,virtual-npu --reference article\n"
                              "  ropeway bench model.pt2 --batch 8 --threads 1 --json times.json\n"
                              "  ropeway bench model.onnx --by module --depth 2\n\n") +
                  kExitStatuses);
  command->callback([options] { bench(*options); });
}

}  // namespace ropeway::cli
