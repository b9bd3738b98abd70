// A program for CANN that compiles in process. Prints, for each step, what came back and the text that was left.
//   ge_program MODEL.onnx OUT
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "cann/types.h"
#include "virtual_npu/ge/graph.h"

namespace ropeway::cann {
extern "C" aclError aclInit(const char*);
extern "C" aclError aclrtSetDevice(int32_t);
extern "C" aclError aclmdlLoadFromMem(const void*, size_t, uint32_t*);
extern "C" const char* aclGetRecentErrMsg();
}  // namespace ropeway::cann

namespace {

using ropeway::cann::aclGetRecentErrMsg, ropeway::cann::aclInit, ropeway::cann::aclmdlLoadFromMem, ropeway::cann::aclrtSetDevice;

std::string file(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void show(const char* step, unsigned code) {
  const char* const text = aclGetRecentErrMsg();
  std::printf("%s: %u %s\n", step, code, text == nullptr ? "-" : text);
}

}  // namespace

int main(int, char** arguments) {
  const std::string onnx = file(arguments[1]);
  ge::Options none, global{{"ge.socVersion", "Ascend310B1"}, {"ge.exec.precision_mode", "force_fp16"}, {"ge.opSelectImplmode", "high_performance"}};
  ge::Graph graph("lenet"), empty("empty");
  ge::ModelBufferData model{};
  show("parse", ge::aclgrphParseONNXFromMem(onnx.data(), onnx.size(), none, graph));
  show("build too early", ge::aclgrphBuildModel(graph, none, model));
  for (const auto& [key, value] : ge::Options{{"ge.socVersion", "Ascend910A"}, {"ge.noSuchOption", "1"}, {"ge.opSelectImplmode", "high_precision"}, {nullptr, nullptr}}) {
    ge::Options one{{key, value}};
    show("initialise badly", ge::aclgrphBuildInitialize(one));
  }
  show("initialise", ge::aclgrphBuildInitialize(global));
  show("parse nothing", ge::aclgrphParseONNXFromMem(nullptr, 1, none, graph));
  show("parse 0 bytes", ge::aclgrphParseONNXFromMem(onnx.data(), 0, none, graph));
  show("parse with an option", ge::aclgrphParseONNXFromMem(onnx.data(), onnx.size(), ge::Options{{"in_nodes", "x"}}, graph));
  show("build nothing", ge::aclgrphBuildModel(empty, none, model));
  show("build with an option", ge::aclgrphBuildModel(graph, ge::Options{{"input_format", "NHWC"}}, model));
  show("build a wrong shape", ge::aclgrphBuildModel(graph, ge::Options{{"input_shape", "x"}}, model));
  show("parse rubbish", ge::aclgrphParseONNXFromMem("rubbish", 7, none, empty));
  show("build rubbish", ge::aclgrphBuildModel(empty, none, model));
  show("save nothing", ge::aclgrphSaveModel(arguments[2], model));
  show("build", ge::aclgrphBuildModel(graph, none, model));
  show("save nowhere", ge::aclgrphSaveModel("/nowhere/model", model));
  show("save", ge::aclgrphSaveModel(arguments[2], model));
  const std::string saved = file((std::string(arguments[2]) + ".om").c_str());
  show("saved is the same", saved == std::string(reinterpret_cast<const char*>(model.data.get()), model.length));
  uint32_t id = 0;
  show("load", static_cast<unsigned>(aclInit(nullptr) + aclrtSetDevice(0) + aclmdlLoadFromMem(model.data.get(), model.length, &id)));
  ge::aclgrphBuildFinalize();
  ge::aclgrphBuildFinalize();
  show("build too late", ge::aclgrphBuildModel(graph, none, model));
  return 0;
}
