// The virtual CANN's `atc`: the real one's command line, as far as this has its flags.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/env.h"
#include "virtual_npu/atc/compiler.h"
#include "virtual_npu/atc/flags.h"
#include "virtual_npu/failures.h"

namespace {

using ropeway::virtual_npu::Flag;
using ropeway::virtual_npu::FlagKind;

std::string help(const Flag& flag) {
  switch (flag.kind) {
    case FlagKind::used: return fmt::format("{}{}{}", flag.meaning, flag.text.empty() ? "" : "; ", flag.text);
    case FlagKind::ignored: return fmt::format("{}{}ignored", flag.text, flag.text.empty() ? "" : "; ");
    case FlagKind::not_here: return "not available in the virtual atc";
    case FlagKind::not_chip: return "not supported by the Ascend 310B";
  }
  return "";
}

// Each flag takes one value; the order is the command line's.
void add_flags(CLI::App& app, std::vector<ropeway::virtual_npu::GivenFlag>& given) {
  for (const Flag& flag : ropeway::virtual_npu::flags()) {
    const auto note = [&given, name = flag.name](const std::string& value) { given.push_back({name, value}); };
    app.add_option_function<std::string>(fmt::format("--{}", flag.name), note, help(flag));
  }
}

int failed(const std::string& text) {
  std::fputs(fmt::format("ATC run failed, Please check the detail log, Try 'atc --help' for more information\n{}\n", text).c_str(), stdout);
  return 1;
}

int status_on_purpose() {
  const auto faults = ropeway::environment("ROPEWAY_VIRTUAL_FAULTS");
  return faults ? ropeway::virtual_npu::parse_faults(*faults).atc_status : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compiles ONNX models for Ropeway's virtual NPU. Not CANN's atc: a real NPU cannot run what it makes.", "atc");
  std::vector<ropeway::virtual_npu::GivenFlag> given;
  add_flags(app, given);
  std::vector<std::string> warnings;
  const auto warn = [&] {
    for (const std::string& warning : warnings) std::fputs(fmt::format("[WARNING] {}\n", warning).c_str(), stdout);
  };
  try {
    app.parse(argc, argv);
    std::fputs("ATC start working now, please wait for a moment. (Ropeway's virtual atc)\n", stdout);
    if (const int status = status_on_purpose(); status != 0) {
      failed("E19999: Inner Error! ROPEWAY_VIRTUAL_FAULTS asks for a failure of atc");
      return status;
    }
    const ropeway::virtual_npu::AtcOptions options = ropeway::virtual_npu::read_flags(given, warnings);
    const std::string om = ropeway::virtual_npu::to_bytes(ropeway::virtual_npu::compile(options, warnings));
    ropeway::write_file(options.output + ".om", om);
    warn();
    std::fputs("ATC run success, welcome to the next use.\n", stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    return failed(fmt::format("E10001: {}. The virtual atc does not have every flag of CANN's: see atc --help", wrong.what()));
  } catch (const std::exception& error) {
    warn();
    return failed(error.what());
  }
}
