// The virtual CANN's `atc`: the real one's command line, as far as this has its options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "virtual_npu/atc/compiler.h"

namespace {

void add_options(CLI::App& app, ropeway::virtual_npu::AtcOptions& options, std::string& log) {
  app.add_option("--framework", options.framework, "Kind of the model: 5, ONNX")->required();
  app.add_option("--model", options.model, "The .onnx file")->required();
  app.add_option("--output", options.output, "Where the compiled model goes; .om is added")->required();
  app.add_option("--soc_version", options.soc_version, "The chip, such as Ascend310B1")->required();
  app.add_option("--input_shape", options.input_shape, "Sizes of the inputs: \"a:1,3,224,224;b:1,8\"");
  app.add_option("--precision_mode", options.precision_mode, "force_fp16")->capture_default_str();
  app.add_option("--log", log, "Accepted; this atc always says what went wrong");
}

int failed(const std::string& text) {
  std::fputs(fmt::format("ATC run failed, Please check the detail log.\n{}\n", text).c_str(), stdout);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compiles ONNX models for Ropeway's virtual NPU. Not CANN's atc: a real NPU cannot run what it makes.", "atc");
  ropeway::virtual_npu::AtcOptions options;
  std::string log;
  add_options(app, options, log);
  try {
    app.parse(argc, argv);
    std::fputs("ATC start working now, please wait for a moment. (Ropeway's virtual atc)\n", stdout);
    ropeway::write_file(options.output + ".om", ropeway::virtual_npu::to_bytes(ropeway::virtual_npu::compile(options)));
    std::fputs("ATC run success, welcome to the next use.\n", stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    return failed(fmt::format("E10001: {}. The virtual atc does not have every option of CANN's: see atc --help", wrong.what()));
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
