// Writes a model as ONNX, opset 17, after the common passes and the lowering for it.
//   build/dev/tools/write_onnx MODEL OUT.onnx
// MODEL: a file, or the name of a built-in model. Exit status 1 with a message when it cannot be read or written.
#include <fmt/format.h>

#include <cstdio>

#include "base/file.h"
#include "formats/formats.h"
#include "formats/onnx/writer.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "ropeway/error.h"

int main(int count, char** arguments) {
  using namespace ropeway;
  if (count != 3) {
    fmt::print(stderr, "write_onnx MODEL OUT.onnx\n");
    return 1;
  }
  try {
    const Graph graph = run_passes(read_model(arguments[1], {}), pipeline(), {});
    write_file(arguments[2], write_onnx(lower_to_onnx17(graph)));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
