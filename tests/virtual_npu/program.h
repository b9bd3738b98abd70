// What tests of the virtual CANN share: its functions, compiled models, and processes of their own, as states, faults and variables are a process's.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "ascend/small_model.h"
#include "base/env.h"
#include "base/process.h"
#include "cann/library.h"
#include "formats/onnx/writer.h"
#include "support/errors.h"
#include "virtual_npu/atc/compiler.h"
#include "virtual_npu/fault.h"

namespace ropeway::test {

using Variables = std::map<std::string, std::string>;

inline const cann::Functions& virtual_cann() { return cann::Library::load(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so")->functions(); }

// What this test program prints when it runs this one test with these variables.
inline std::string output_alone(const std::string& test, Variables variables, double seconds = 60) {
  const TestFolder folder;
  variables.emplace("ROPEWAY_ALONE", "1");
  const ProcessResult result = run_process({std::filesystem::read_symlink("/proc/self/exe").string(), "--gtest_filter=" + test}, folder.path(), seconds, variables);
  EXPECT_FALSE(result.timed_out) << test << " hangs: " << result.output;
  EXPECT_EQ(result.status, 0) << test << ", signal " << result.signal << ": " << result.output;
  EXPECT_TRUE(result.status != 0 || result.output.find("[  PASSED  ] 1 test.") != std::string::npos) << result.output;
  return result.output;
}

// A test in a process of its own, with variables of the environment: {"NAME", "value"}, …
#define ROPEWAY_ALONE(suite, name, ...)                                                                            \
  static void suite##name##InItsProcess(const cann::Functions& f);                                                 \
  TEST(suite, name) {                                                                                              \
    if (environment("ROPEWAY_ALONE")) suite##name##InItsProcess(test::virtual_cann());                             \
    else test::output_alone(#suite "." #name, test::Variables{__VA_ARGS__});                                       \
  }                                                                                                                \
  static void suite##name##InItsProcess([[maybe_unused]] const cann::Functions& f)

// The text of the last failure; prints it.
inline std::string recent_text(const cann::Functions& f) {
  const char* const given = f.aclGetRecentErrMsg();
  const std::string text = given == nullptr ? "" : given;
  std::printf("%s\n", text.c_str());
  return text;
}

// The call was refused by this rule, with its code, its text and `part`.
inline void expect_refused(const cann::Functions& f, cann::aclError code, virtual_npu::Rule rule, const std::string& part = "") {
  const virtual_npu::RuleRow& row = virtual_npu::rules()[static_cast<size_t>(rule)];
  EXPECT_EQ(code, row.code) << row.name;
  const std::string text = recent_text(f);
  EXPECT_NE(text.find(row.text), std::string::npos) << text << "\nis not " << row.name;
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}
// A function without a code gave nothing.
inline void expect_nothing(const cann::Functions& f, bool nothing, virtual_npu::Rule rule) {
  EXPECT_TRUE(nothing);
  expect_refused(f, virtual_npu::rules()[static_cast<size_t>(rule)].code, rule);
}

inline void start(const cann::Functions& f) {
  ASSERT_EQ(f.aclInit(nullptr), 0) << recent_text(f);
  ASSERT_EQ(f.aclrtSetDevice(0), 0) << recent_text(f);
}

// A compiled model: bytes of an .om.
inline std::string compiled(const Graph& graph, const std::string& soc = "Ascend310B1") {
  virtual_npu::AtcOptions options;
  options.framework = "5";
  options.model = graph.name;
  options.soc_version = soc;
  std::vector<std::string> warnings;
  return virtual_npu::to_bytes(virtual_npu::compile(write_onnx(graph), options, warnings));
}
inline std::string small_om(const std::string& soc = "Ascend310B1", int64_t channels = 4) { return compiled(ascend::small_model(channels), soc); }

// A loaded model with its datasets over device memory that holds 0. Nothing of it is freed: its process ends.
struct LoadedModel {
  const cann::Functions& f;
  uint32_t id = 0;
  cann::aclmdlDesc* desc = nullptr;
  cann::aclmdlDataset* inputs = nullptr;
  cann::aclmdlDataset* outputs = nullptr;
  std::vector<void*> memory;  // of inputs, then of outputs
  std::vector<size_t> bytes;
  std::vector<cann::aclDataBuffer*> buffers;

  explicit LoadedModel(const cann::Functions& functions, const std::string& om = small_om()) : f(functions) {
    EXPECT_EQ(f.aclmdlLoadFromMem(om.data(), om.size(), &id), 0) << recent_text(f);
    describe();
  }
  LoadedModel(const cann::Functions& functions, uint32_t loaded) : f(functions), id(loaded) { describe(); }

  cann::aclError execute() const { return f.aclmdlExecute(id, inputs, outputs); }
  cann::aclError execute_on(cann::aclrtStream stream) const { return f.aclmdlExecuteAsync(id, inputs, outputs, stream); }

 private:
  void describe() {
    desc = f.aclmdlCreateDesc();
    EXPECT_EQ(f.aclmdlGetDesc(desc, id), 0) << recent_text(f);
    inputs = f.aclmdlCreateDataset();
    outputs = f.aclmdlCreateDataset();
    for (size_t i = 0; i < f.aclmdlGetNumInputs(desc); ++i) add(inputs, f.aclmdlGetInputSizeByIndex(desc, i));
    for (size_t i = 0; i < f.aclmdlGetNumOutputs(desc); ++i) add(outputs, f.aclmdlGetOutputSizeByIndex(desc, i));
  }
  void add(cann::aclmdlDataset* to, size_t size) {
    void* block = nullptr;
    EXPECT_EQ(f.aclrtMalloc(&block, size, cann::ACL_MEM_MALLOC_HUGE_FIRST), 0) << recent_text(f);
    EXPECT_EQ(f.aclrtMemset(block, size, 0, size), 0);
    memory.push_back(block);
    bytes.push_back(size);
    buffers.push_back(f.aclCreateDataBuffer(block, size));
    EXPECT_EQ(f.aclmdlAddDatasetBuffer(to, buffers.back()), 0);
  }
};

}  // namespace ropeway::test
