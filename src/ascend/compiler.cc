#include "ascend/compiler.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "ascend/cache.h"
#include "base/env.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;

bool is_safe(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '/'; }

// --input_shape parts names by , : and ; so these, and whatever else may trip a parser, become _.
void make_input_names_safe(Graph& graph) {
  for (const ValueId id : graph.inputs) {
    std::string safe = graph.value(id).name;
    std::replace_if(safe.begin(), safe.end(), [](char c) { return !is_safe(c); }, '_');
    if (safe.empty()) safe = "input";
    const auto taken = [&](const std::string& name) { return std::any_of(graph.values.begin(), graph.values.end(), [&](const Value& value) { return &value != &graph.value(id) && value.name == name; }); };
    std::string unique = safe;
    for (int i = 1; taken(unique); ++i) unique = fmt::format("{}_{}", safe, i);
    graph.value(id).name = unique;
  }
}

// The end of what atc printed, where it says what went wrong.
std::string last_lines(const std::string& output) {
  constexpr size_t kLines = 12;
  std::vector<std::string> lines = split(output, '\n');
  std::erase_if(lines, [](const std::string& line) { return line.find_first_not_of(" \r\t") == std::string::npos; });
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return lines.empty() ? "it printed nothing" : fmt::format("it printed:\n    {}", fmt::join(lines, "\n    "));
}

void check_result(const ProcessResult& result, const std::string& what, const CompilerOptions& options) {
  if (result.timed_out) {
    throw CompilerError(fmt::format("{} was stopped after {:g} s: allow more with --compile-timeout, or compile on a faster machine with ropeway compile; {}", what, options.seconds, last_lines(result.output)));
  }
  if (result.signal == SIGKILL) {
    throw CompilerError(fmt::format("{} was killed, probably because memory ran out: compile on a machine with more of it with ropeway compile, or set TE_PARALLEL_COMPILER=1 and MAX_COMPILE_CORE_NUMBER=1; {}", what, last_lines(result.output)));
  }
  if (result.signal != 0) throw CompilerError(fmt::format("{} was ended by a signal ({}); {}", what, strsignal(result.signal), last_lines(result.output)));
  if (result.status != 0) throw CompilerError(fmt::format("{} failed with exit status {}; {}", what, result.status, last_lines(result.output)));
}

// A line for each node of the file that came from a kept one; "" for none.
std::string kept_lines(const AtcInput& input, const std::set<int>& keep) {
  std::string lines;
  for (const auto& [name, node] : input.nodes) {
    if (keep.contains(node)) lines += name + "\n";
  }
  return lines;
}

// Newer versions of atc put the system into the name.
fs::path find_output(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == "model.om" || (name.starts_with("model_linux_") && name.ends_with(".om"))) {
      if (entry.is_regular_file(ignored) && entry.file_size(ignored) > 0) return entry.path();
    }
  }
  return {};
}

}  // namespace

AtcInput make_atc_input(Graph graph) {
  AtcInput result;
  make_input_names_safe(graph);
  for (const ValueId id : graph.inputs) {
    result.input_names.push_back(graph.value(id).name);
    result.input_shape += fmt::format("{}{}:{}", result.input_shape.empty() ? "" : ";", graph.value(id).name, fmt::join(graph.type(id).shape, ","));
  }
  std::vector<int> sources;
  graph = lower_to_onnx17(std::move(graph), &sources);
  const std::vector<std::string> names = onnx_node_names(graph);
  for (size_t i = 0; i < names.size(); ++i) result.nodes[names[i]] = sources[i];
  result.onnx = write_onnx(graph);
  return result;
}

CompiledOm compile_om(const AtcInput& input, const std::string& model, const cann::Installation& installation, const CompilerOptions& options) {
  if (!installation.atc) {
    fail(ErrorCode::device, "CANN {} has no atc, the compiler: install CANN's toolkit, or compile on another machine with ropeway compile --soc {} and run the .om here", to_string(installation), options.soc);
  }
  const File atc(*installation.atc);
  const auto atc_bytes = atc.read(0, atc.size());
  const std::string precision = chip::name(options.precision), kept = kept_lines(input, options.keep);
  const std::string key = content_key(fmt::format("{} {} {} {} {} {:016x}\n{}", content_key(input.onnx), input.input_shape, options.soc, to_string(installation), precision,
                                                  content_hash({atc_bytes.get(), atc.size()}), kept));
  const Cache cache = Cache::open();
  if (const auto found = cache.find(key)) return {*found, key};
  const auto lock = cache.lock(key, options.seconds);
  if (const auto found = cache.find(key)) return {*found, key};  // another process has made it meanwhile

  const auto folder = cache.work_folder(key);
  try {
    write_file(*folder / "model.onnx", input.onnx);
    if (!kept.empty()) write_file(*folder / "keep_dtype.cfg", kept);
  } catch (Error& error) {
    error.add_note("while preparing to compile: make room there, or set ROPEWAY_CACHE to a folder with more");
    throw;
  }
  std::vector<std::string> command = {installation.atc->string(), "--framework=5", "--model=" + (*folder / "model.onnx").string(), "--output=" + (*folder / "model").string(), "--soc_version=" + options.soc,
                                      "--precision_mode=" + precision, "--log=error"};
  if (!kept.empty()) command.push_back("--keep_dtype=" + (*folder / "keep_dtype.cfg").string());
  if (!input.input_shape.empty()) command.push_back("--input_shape=" + input.input_shape);
  const std::string what = fmt::format("atc, compiling {} for {} with CANN {},", model, options.soc, to_string(installation));
  const std::map<std::string, std::string> variables = cann::compiler_environment(installation);
  const ProcessResult result = run_process(command, *folder, options.seconds, variables);
  if (options.output != nullptr) *options.output = result.output;
  try {
    check_result(result, what, options);
  } catch (Error& error) {
    if (!installation.is_virtual) {
      if (!environment("ASCEND_OPP_PATH") && !variables.contains("ASCEND_OPP_PATH")) error.add_note(fmt::format("there are no operators (folder opp) in {}, which atc needs: install CANN's toolkit with its operator packages", installation.root.string()));
      error.add_note("`ropeway doctor` says what atc lacks here; `ropeway doctor TEXT` explains what atc prints");
    }
    throw;
  }
  const fs::path output = find_output(*folder);
  if (output.empty()) throw CompilerError(fmt::format("{} says that it is done, but has left no model; {}", what, last_lines(result.output)));
  return {cache.store(key, output, fmt::format("{} for {}, CANN {}", model, options.soc, to_string(installation))), key};
}

}  // namespace ropeway::ascend
