#include "selftest/selftest.h"

#include <sys/utsname.h>

#include "base/text.h"
#include "cann/installation.h"
#include "engine/devices.h"
#include "formats/formats.h"
#include "report/report.h"
#include "selftest/expectations.h"
#include "selftest/redact.h"
#include "selftest/summary.h"
#include "selftest/symbols.h"
#include "selftest/work.h"

namespace ropeway::selftest {
namespace {

// Variables of CANN's whose values are paths of its own: the only ones that are told.
constexpr const char* kVariables[] = {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_OPP_PATH", "ASCEND_AICPU_PATH", "ASCEND_LATEST_INSTALL_PATH", "TOOLCHAIN_HOME"};

std::vector<Op> chosen_operators(const Options& options) {
  if (options.operators.empty()) return all_ops();
  std::vector<Op> result;
  std::vector<std::string> names;
  for (const Op op : all_ops()) names.emplace_back(name(op));
  for (const std::string& wanted : options.operators) {
    const auto op = op_named(wanted);
    if (!op) fail(ErrorCode::invalid_argument, "there is no operator '{}'; there is {}", wanted, listed(names));
    result.push_back(*op);
  }
  return result;
}

// What is known of the machine whatever the device does.
Json describe_host(const Options& options, const std::optional<cann::Installation>& installation) {
  const cann::Machine machine;
  const Environment environment = current_environment(options.version);
  utsname names{};
  uname(&names);
  Json variables = Json::object();
  for (const char* each : kVariables) {
    if (const auto value = machine.variable(each)) variables[each] = *value;
  }
  const bool is_virtual = options.session.device == "virtual-npu";
  const std::string driver = is_virtual ? "" : cann::value_of(cann::driver_folder(machine) / "version.info", "Version"), firmware = is_virtual ? "" : cann::value_of(cann::driver_folder(machine).parent_path() / "firmware/version.info", "Version");
  return {{"versions", {{"ropeway", options.version}, {"cann", installation ? installation->version : "none"}, {"driver", is_virtual ? "none" : driver.empty() ? "unknown" : driver}, {"firmware", is_virtual ? "none" : firmware.empty() ? "unknown" : firmware}, {"kernel", names.release}}},
          {"host", {{"architecture", machine.architecture()}, {"system", environment.system}, {"processor", environment.processor}, {"processors", environment.processors}, {"memory_bytes", machine.memory_bytes().value_or(0)}}},
          {"environment", std::move(variables)}};
}

std::optional<cann::Installation> installation_of(const std::string& device) {
  try {
    return npu_installation(device);
  } catch (const Error&) {  // opening the device tells it
    return std::nullopt;
  }
}

Json examine_symbols(Work& work, const std::optional<cann::Installation>& installation) {
  if (!installation) return nullptr;
  work.say("symbols of " + installation->library.filename().string());
  Json rows = Json::array();
  int needed = 0, needed_found = 0, offered = 0, offered_found = 0;
  std::vector<std::string> missing;
  for (const Symbol& each : symbols_of(*installation)) {
    (each.needed ? needed : offered) += 1;
    (each.needed ? needed_found : offered_found) += !each.found.empty();
    if (each.needed && each.found.empty()) missing.push_back(each.name);
    rows.push_back({{"name", each.name}, {"library", each.library}, {"need", each.needed ? "needed" : "offered"}, {"found", each.found}});
  }
  if (!missing.empty()) work.find(fmt::format("symbols: CANN lacks {}", listed(missing)));
  return {{"needed", needed}, {"needed_found", needed_found}, {"offered", offered}, {"offered_found", offered_found}, {"rows", std::move(rows)}};
}

Json examine_models(Work& work) {
  Json results = Json::array();
  for (const BuiltinModel& model : builtin_models()) {
    if (const std::string why = work.why_not(); !why.empty()) {
      results.push_back({{"model", model.name}, {"not_run", why}});
      continue;
    }
    work.say(fmt::format("model {}: outputs and times", model.name));
    Json answer = work.run({Task::Kind::model, model.name});
    if (answer.contains("failed")) {
      const Json& failed = answer["failed"];
      if (work.is_budget_spent() && failed["stage"] == "compile") {  // stopped, not failed
        results.push_back({{"model", model.name}, {"not_run", work.why_not()}});
        continue;
      }
      work.find(fmt::format("{}: {} fails: {}", model.name, failed["stage"].get<std::string>(), failed["message"].get<std::string>()));
      work.keep_output(model.name, failed);
      if (failed["stage"] != "compile") work.check_device();
      answer["model"] = model.name;
    } else {
      const Json& error = answer["output"]["error"];
      if (!error.is_number() || !(error.get<double>() <= kTolerance)) work.find(fmt::format("{}: outputs are off, from element {} on", model.name, answer["output"]["first_difference"].get<int64_t>()));
      if (answer.contains("rows_failed")) work.find(fmt::format("{}: operators cannot be timed: {}", model.name, answer["rows_failed"].get<std::string>()));
    }
    results.push_back(std::move(answer));
  }
  return results;
}

Json examine_copies(Work& work) {
  if (const std::string why = work.why_not(); !why.empty()) return {{"not_run", why}};
  work.say("copies between host and device");
  Json answer = work.run({Task::Kind::copies});
  if (answer.contains("failed")) work.find("copies: " + answer["failed"]["message"].get<std::string>());
  return answer;
}

// Before the work, because on a board it may be the work of hours. Minutes per run are assumed.
std::string estimate(const Options& options, const std::vector<Op>& operators) {
  const size_t runs = builtin_models().size() + (options.quick ? 0 : compiler_runs(operators));
  if (options.session.device == "virtual-npu") return fmt::format("{} runs of the virtual atc: about a minute for all", runs);
  const bool slow = !cann::why_compiling_is_slow().empty();
  const size_t least = slow ? 2 : 1, most = slow ? 10 : 2;
  return fmt::format("{} runs of atc, {} to {} minutes each here (assumed), unless they are cached: {} to {} minutes for all. {}--budget ends it earlier", runs, least, most, least * runs, most * runs,
                     options.quick ? "" : fmt::format("With --quick it is {}; ", builtin_models().size()));
}

Json examine_doctor(Work& work, const Surroundings& surroundings, bool counts, std::string& document) {
  work.say("doctor");
  doctor::Report report;
  try {
    report = surroundings.examine();
  } catch (const std::exception& error) {
    report.findings.push_back({"doctor", doctor::Status::problem, error.what()});
  }
  document = doctor::to_json(report);
  int problems = 0, notes = 0;
  for (const doctor::Finding& each : report.findings) {
    problems += each.status == doctor::Status::problem;
    notes += each.status == doctor::Status::note;
    if (counts && each.status == doctor::Status::problem) work.find(fmt::format("doctor: {}: {}", each.check, each.text));
  }
  return {{"problems", problems}, {"notes", notes}, {"counts", counts}};
}

// Everything that uses the device.
void examine_all(Work& work, const Options& options, const std::vector<Op>& operators, const std::string& soc, Json& report) {
  if (report["device"]["compiler"] != true) {
    work.find("this CANN has no atc, without which neither operators nor models can be compiled: run this where CANN's toolkit is");
    report["copies"] = examine_copies(work);
    return;
  }
  work.say(estimate(options, operators));
  if (options.quick) work.not_run.push_back("conformance, by --quick");
  else report["conformance"] = run_conformance(work, operators, soc);
  report["models"] = examine_models(work);
  report["copies"] = examine_copies(work);
  if (const std::string why = work.why_not(); !why.empty()) (work.is_budget_spent() ? work.not_run : work.findings).push_back("the rest: " + why);
}

}  // namespace

Outcome examine_device(const Options& options, const Surroundings& surroundings) {
  const std::vector<Op> operators = chosen_operators(options);
  Work work(options, surroundings);
  Outcome outcome;
  std::string doctor_document;
  Json report = {{"schema", 1}};
  const auto installation = installation_of(options.session.device);
  report.update(describe_host(options, installation));
  report["doctor"] = examine_doctor(work, surroundings, options.session.device == "npu", doctor_document);
  report["symbols"] = examine_symbols(work, installation);
  report["device"] = work.run({Task::Kind::device});
  outcome.usable = !report["device"].contains("failed");
  outcome.soc = outcome.usable ? report["device"]["soc"].get<std::string>() : options.session.device;
  if (outcome.usable) examine_all(work, options, operators, outcome.soc, report);
  else work.find(report["device"]["failed"]["message"].get<std::string>());
  outcome.as_expected = work.findings.empty();
  report["not_run"] = work.not_run;
  report["findings"] = work.findings;
  report["as_expected"] = outcome.as_expected;

  const Redactor redact = Redactor::here(environment_variables());
  const std::string document = redact.json(report.dump(-1, ' ', false, Json::error_handler_t::replace));
  outcome.text = redact(summary(report));
  outcome.files = {{"report.json", document}, {"report.txt", outcome.text}, {"doctor.json", redact.json(doctor_document)}};
  for (const auto& [name, text] : work.outputs) outcome.files[name] = redact(text);
  return outcome;
}

}  // namespace ropeway::selftest
