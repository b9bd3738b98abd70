// Every rule of the virtual CANN, reached through its C functions, with its code and text.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "base/file.h"
#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

using test::expect_nothing;
using test::expect_refused;
using virtual_npu::Rule;

void before_and_after_a_life(const Functions& f) {
  size_t work = 0, weights = 0;
  int32_t device = 0;
  expect_refused(f, f.aclrtSetDevice(0), Rule::not_initialised, "aclrtSetDevice: ");
  expect_refused(f, f.aclrtSynchronizeStream(nullptr), Rule::not_initialised);
  expect_refused(f, f.aclrtGetDevice(&device), Rule::not_initialised);
  expect_refused(f, f.aclmdlQuerySizeFromMem("x", 1, &work, &weights), Rule::not_initialised);
  expect_refused(f, f.aclprofInit("/tmp", 4), Rule::not_initialised);
  expect_refused(f, f.aclFinalize(), Rule::finalised_twice);
  expect_refused(f, f.aclInit("/nowhere.json"), Rule::unreadable_configuration, "/nowhere.json");
  EXPECT_EQ(f.aclInit(nullptr), 0);
  expect_refused(f, f.aclInit(nullptr), Rule::initialised_twice);
  expect_refused(f, f.aclrtGetDevice(&device), Rule::device_not_set);
  expect_refused(f, f.aclrtResetDevice(0), Rule::reset_without_set);
  for (const int32_t wrong : {1, -1}) {
    expect_refused(f, f.aclrtSetDevice(wrong), Rule::unknown_device);
    expect_refused(f, f.aclrtResetDevice(wrong), Rule::unknown_device);
    aclrtContext context = nullptr;
    expect_refused(f, f.aclrtCreateContext(&context, wrong), Rule::unknown_device);
  }
  void* memory = nullptr;
  expect_refused(f, f.aclrtMalloc(&memory, 1, ACL_MEM_MALLOC_HUGE_FIRST), Rule::no_context);
  EXPECT_EQ(f.aclFinalize(), 0);
  expect_refused(f, f.aclFinalize(), Rule::finalised_twice);
  expect_refused(f, f.aclrtSetDevice(0), Rule::not_initialised);
  EXPECT_EQ(f.aclInit(""), 0) << "a second life: assumed";
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
}

void handles_and_memory(const Functions& f) {
  test::start(f);
  expect_refused(f, f.aclrtCreateStream(nullptr), Rule::null_pointer, "stream");
  void* memory = nullptr;
  expect_refused(f, f.aclrtMalloc(&memory, 0, ACL_MEM_MALLOC_HUGE_FIRST), Rule::invalid_value, "0 bytes");
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(nullptr, -2), Rule::invalid_value, "-2 ms");
  char here = 0;
  expect_refused(f, f.aclDestroyDataBuffer(reinterpret_cast<aclDataBuffer*>(&here)), Rule::foreign_handle);
  expect_refused(f, f.aclrtSetCurrentContext(&here), Rule::foreign_context);
  expect_refused(f, f.aclrtDestroyContext(&here), Rule::foreign_context);
  expect_refused(f, f.aclrtSynchronizeStream(&here), Rule::foreign_stream);
  expect_refused(f, f.aclrtDestroyStream(nullptr), Rule::foreign_stream);
  expect_refused(f, f.aclrtDestroyEvent(&here), Rule::foreign_event);
  expect_refused(f, f.aclrtRecordEvent(&here, nullptr), Rule::foreign_event);
  aclrtEvent first = nullptr, last = nullptr;
  EXPECT_EQ(f.aclrtCreateEvent(&first), 0);
  EXPECT_EQ(f.aclrtCreateEvent(&last), 0);
  float ms = 0;
  expect_refused(f, f.aclrtEventElapsedTime(&ms, first, last), Rule::event_without_time);
  EXPECT_EQ(f.aclrtRecordEvent(first, nullptr), 0);
  ASSERT_EQ(f.aclrtMalloc(&memory, 100, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
  EXPECT_EQ(f.aclrtMemset(memory, 100, 0, 100), 0);
  EXPECT_EQ(f.aclrtRecordEvent(last, nullptr), 0);
  EXPECT_EQ(f.aclrtSynchronizeDevice(), 0);
  expect_refused(f, f.aclrtEventElapsedTime(&ms, last, first), Rule::events_reversed);
  void* other = nullptr;
  expect_refused(f, f.aclrtMalloc(&other, size_t{1} << 40, ACL_MEM_MALLOC_HUGE_FIRST), Rule::no_memory, "aclrtMalloc needs 1.1 TB, but of the 12.");
  expect_refused(f, f.aclrtFree(static_cast<char*>(memory) + 1), Rule::foreign_memory);
  expect_refused(f, f.aclrtFreeHost(memory), Rule::foreign_memory);
  expect_refused(f, f.aclrtFree(nullptr), Rule::foreign_memory);
  expect_refused(f, f.aclrtMemset(&here, 1, 0, 1), Rule::not_device_memory);
  expect_refused(f, f.aclrtMemset(memory, 100, 0, 101), Rule::no_room);
  EXPECT_EQ(f.aclrtFree(memory), 0);
  expect_refused(f, f.aclrtFree(memory), Rule::foreign_memory);
}

void models(const Functions& f) {
  test::start(f);
  const std::string om = test::small_om();
  uint32_t id = 0;
  expect_refused(f, f.aclmdlLoadFromFile("/nowhere.om", &id), Rule::unreadable_model, "/nowhere.om");
  expect_refused(f, f.aclmdlLoadFromFile("/", &id), Rule::unreadable_model);
  expect_refused(f, f.aclmdlLoadFromMem("rubbish", 7, &id), Rule::damaged_model);
  expect_refused(f, f.aclmdlLoadFromMem(om.data(), om.size() - 1, &id), Rule::damaged_model, "cut off");
  const std::string other = test::small_om("Ascend310B4");
  expect_refused(f, f.aclmdlLoadFromMem(other.data(), other.size(), &id), Rule::wrong_chip, "compiled for Ascend310B4");
  void* memory = nullptr;
  ASSERT_EQ(f.aclrtMalloc(&memory, om.size(), ACL_MEM_MALLOC_HUGE_FIRST), 0);
  ASSERT_EQ(f.aclrtMemcpy(memory, om.size(), om.data(), om.size(), ACL_MEMCPY_HOST_TO_DEVICE), 0);
  expect_refused(f, f.aclmdlLoadFromMem(memory, om.size(), &id), Rule::model_in_device_memory);
  expect_refused(f, f.aclmdlUnload(77), Rule::unknown_model, "model 77");
  const test::LoadedModel model(f, om);
  expect_refused(f, f.aclmdlExecute(model.id, model.inputs, f.aclmdlCreateDataset()), Rule::wrong_number_of_buffers, "0 outputs");
  expect_refused(f, f.aclmdlExecute(model.id, model.outputs, model.outputs), Rule::buffer_too_small);
  EXPECT_EQ(f.aclUpdateDataBuffer(model.buffers[0], &id, model.bytes[0]), 0);
  expect_refused(f, model.execute(), Rule::not_device_memory, "input x");
  expect_nothing(f, f.aclmdlGetNumInputs(f.aclmdlCreateDesc()) == 0, Rule::empty_description);
  aclmdlIODims dims;
  expect_refused(f, f.aclmdlGetInputDims(model.desc, 1, &dims), Rule::unknown_port, "no input 1");
  expect_refused(f, f.aclmdlCreateAndGetOpDesc(0, 1, 2, nullptr, 0, nullptr, nullptr, nullptr, nullptr), Rule::unknown_task);
  expect_nothing(f, f.aclmdlGetDatasetTensorDesc(model.outputs, 0) == nullptr, Rule::no_tensor_description);
  expect_refused(f, f.aclmdlSetDynamicBatchSize(model.id, model.inputs, 0, 1), Rule::not_implemented);
  expect_refused(f, f.aclopCompileAndExecute("Add", 0, nullptr, nullptr, 0, nullptr, nullptr, nullptr, ACL_ENGINE_SYS, ACL_COMPILE_SYS, nullptr, nullptr), Rule::not_implemented, "Add");
}

void profiling(const Functions& f) {
  test::start(f);
  const test::TestFolder folder;
  uint32_t devices[] = {0};
  aclprofConfig* const config = f.aclprofCreateConfig(devices, 1, ACL_AICORE_NONE, nullptr, 0);
  expect_refused(f, f.aclprofStart(config), Rule::profiling_not_started, "aclprofInit comes before");
  expect_refused(f, f.aclprofFinalize(), Rule::profiling_not_started);
  EXPECT_EQ(f.aclprofInit(folder.path().c_str(), folder.path().native().size()), 0);
  expect_refused(f, f.aclprofInit("/tmp", 4), Rule::profiling_started_twice);
  expect_refused(f, f.aclprofStop(config), Rule::profiling_not_started);
  EXPECT_EQ(f.aclprofStart(config), 0);
  expect_refused(f, f.aclprofStart(config), Rule::profiling_started_twice);
  const test::LoadedModel model(f);
  int pipe[2];
  ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
  aclprofSubscribeConfig* const subscription = f.aclprofCreateSubscribeConfig(1, ACL_AICORE_NONE, &pipe[1]);
  expect_refused(f, f.aclprofModelUnSubscribe(model.id), Rule::not_subscribed);
  EXPECT_EQ(f.aclprofModelSubscribe(model.id, subscription), 0);
  expect_refused(f, f.aclprofModelSubscribe(model.id, subscription), Rule::subscribed_twice);
  expect_refused(f, f.aclprofModelSubscribe(77, subscription), Rule::unknown_model);
}

void streams_run_out(const Functions& f) {
  test::start(f);
  std::vector<aclrtStream> streams(512);
  for (aclrtStream& each : streams) ASSERT_EQ(f.aclrtCreateStream(&each), 0);
  aclrtStream more = nullptr;
  expect_refused(f, f.aclrtCreateStream(&more), Rule::too_many_streams);
  EXPECT_EQ(f.aclrtDestroyStream(streams[100]), 0);
  EXPECT_EQ(f.aclrtCreateStream(&more), 0);
  expect_refused(f, f.aclrtCreateStream(&streams[100]), Rule::too_many_streams);
  expect_refused(f, f.aclrtSynchronizeStream(streams[100]), Rule::foreign_stream);
}

// ROPEWAY_VIRTUAL_MODE=RC
void on_the_board(const Functions& f) {
  test::start(f);
  const std::string om = test::small_om();
  uint32_t id = 0;
  expect_refused(f, f.aclmdlLoadFromMem(om.data(), om.size(), &id), Rule::model_in_host_memory);
}

// ROPEWAY_VIRTUAL_FAULTS=slow=600
void slow(const Functions& f) {
  test::start(f);
  const test::LoadedModel model(f);
  aclrtStream one = nullptr, other = nullptr;
  ASSERT_EQ(f.aclrtCreateStream(&one), 0);
  ASSERT_EQ(f.aclrtCreateStream(&other), 0);
  EXPECT_EQ(model.execute_on(one), 0);
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(one, 1), Rule::stream_timeout, "0.001 s");
  expect_refused(f, model.execute_on(other), Rule::model_busy);
  expect_refused(f, model.execute(), Rule::model_busy);
  EXPECT_EQ(model.execute_on(one), 0) << "behind itself it may be queued";
  EXPECT_EQ(f.aclrtSynchronizeStream(one), 0);
  EXPECT_EQ(model.execute_on(other), 0);
}

// ROPEWAY_VIRTUAL_FAULTS=lost=1
void lost(const Functions& f) {
  test::start(f);
  const test::LoadedModel model(f);
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;
  EXPECT_EQ(f.aclrtCreateStream(&stream), 0);
  EXPECT_EQ(f.aclrtCreateEvent(&event), 0);
  EXPECT_EQ(model.execute(), 0);
  EXPECT_EQ(model.execute_on(stream), 0);
  // Queued before the device is lost, told after the stream has failed: no success.
  EXPECT_EQ(f.aclrtRecordEvent(event, stream), 0);
  const aclError code = f.aclrtSynchronizeEvent(event);
  const std::string text = test::recent_text(f);
  EXPECT_TRUE(code == virtual_npu::rules()[static_cast<size_t>(Rule::stream_failed)].code) << code << text;
  expect_refused(f, f.aclrtSynchronizeStream(stream), Rule::device_lost);
  void* memory = nullptr;
  expect_refused(f, f.aclrtMalloc(&memory, 1, ACL_MEM_MALLOC_HUGE_FIRST), Rule::device_lost);
  expect_refused(f, f.aclrtSetDevice(0), Rule::device_lost);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  expect_refused(f, model.execute(), Rule::unknown_model);
}

// ROPEWAY_VIRTUAL_SOC=Ascend910B
void wrong_setting(const Functions& f) {
  expect_refused(f, f.aclInit(nullptr), Rule::wrong_setting, "ROPEWAY_VIRTUAL_SOC: there is no virtual Ascend910B; there is Ascend310B1");
  expect_refused(f, f.aclrtSetDevice(0), Rule::wrong_setting);
}

void forked(const Functions& f) {
  test::start(f);
  const pid_t child = fork();
  if (child == 0) {
    uint32_t count = 0;
    expect_refused(f, f.aclrtGetDeviceCount(&count), Rule::forked);
    std::fflush(stdout);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

struct Scenario {
  const char* name;
  void (*run)(const Functions& f);
  test::Variables variables;
};
const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"before and after a life", before_and_after_a_life, {}},
      {"handles and memory", handles_and_memory, {}},
      {"models", models, {}},
      {"profiling", profiling, {}},
      {"streams run out", streams_run_out, {}},
      {"on the board", on_the_board, {{"ROPEWAY_VIRTUAL_MODE", "RC"}}},
      {"slow", slow, {{"ROPEWAY_VIRTUAL_FAULTS", "slow=600"}}},
      {"lost", lost, {{"ROPEWAY_VIRTUAL_FAULTS", "lost=2"}}},
      {"forked", forked, {}},
      {"wrong setting", wrong_setting, {{"ROPEWAY_VIRTUAL_SOC", "Ascend910B"}}},
  };
  return all;
}

TEST(Rules, EachIsReached) {
  if (const auto name = environment("ROPEWAY_ALONE")) {
    for (const Scenario& each : scenarios()) {
      if (*name == each.name) each.run(test::virtual_cann());
    }
    return;
  }
  std::string texts;
  for (const Scenario& each : scenarios()) {
    test::Variables variables = each.variables;
    variables["ROPEWAY_ALONE"] = each.name;
    texts += test::output_alone("Rules.EachIsReached", variables);
  }
  // Those of compiling in process, whose codes ge_test.cc holds.
  const test::TestFolder folder;
  texts += run_process({ROPEWAY_GE_PROGRAM, ROPEWAY_TEST_DATA "/golden/onnx/lenet.legacy13.onnx", (folder / "out").string()}, folder.path(), 60).output;
  for (const virtual_npu::RuleRow& row : virtual_npu::rules()) EXPECT_NE(texts.find(row.text), std::string::npos) << row.name << " is not reached: test it, or remove it";
}

TEST(Rules, AreToldApart) {
  for (const virtual_npu::RuleRow& row : virtual_npu::rules()) {
    EXPECT_TRUE(is_listed(row.code)) << row.name;
    for (const virtual_npu::RuleRow& other : virtual_npu::rules()) {
      EXPECT_TRUE(&row == &other || std::string(other.text).find(row.text) == std::string::npos) << row.name << " and " << other.name;
    }
  }
}

// Each variable with a value that it cannot have: the first call says what would be right.
TEST(Settings, WrongOnesAreTold) {
  if (environment("ROPEWAY_ALONE")) {
    const Functions& f = test::virtual_cann();
    expect_refused(f, f.aclInit(nullptr), Rule::wrong_setting);
    return;
  }
  for (const auto& [name, value, part] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"ROPEWAY_VIRTUAL_SOC", "310B1", "ROPEWAY_VIRTUAL_SOC: there is no virtual 310B1; there is Ascend310B1"},
           {"ROPEWAY_VIRTUAL_SOC", "Ascend310B3", "ROPEWAY_VIRTUAL_SOC: CANN knows an Ascend310B3"},
           {"ROPEWAY_VIRTUAL_MEMORY", "4GB", "ROPEWAY_VIRTUAL_MEMORY is '4GB'; it is a number of megabytes, such as 4000"},
           {"ROPEWAY_VIRTUAL_MEMORY", "0", "such as 4000"},
           {"ROPEWAY_VIRTUAL_MEMORY", "-1", "such as 4000"},
           {"ROPEWAY_VIRTUAL_MEMORY", "99999999999", "such as 4000"},
           {"ROPEWAY_VIRTUAL_MODE", "rc", "ROPEWAY_VIRTUAL_MODE is 'rc'; it may be EP (a card) or RC (the board itself)"},
           {"ROPEWAY_VIRTUAL_CANN", "9", "ROPEWAY_VIRTUAL_CANN is '9'; there is a virtual 7.0.RC1 and an 8.1.RC1"},
           {"ROPEWAY_VIRTUAL_OVERFLOW", "wrap", "ROPEWAY_VIRTUAL_OVERFLOW is 'wrap'; it can be saturate or infinite"},
           {"ROPEWAY_VIRTUAL_LOG", "/nowhere/log", "ROPEWAY_VIRTUAL_LOG: /nowhere/log cannot be written"},
           {"ROPEWAY_VIRTUAL_FAULTS", "aclrtMaloc=1", "no function 'aclrtMaloc'"},
           {"ROPEWAY_VIRTUAL_FAULTS", "aclrtMalloc", "'aclrtMalloc' is none of function:call=code, slow=ms, hang=execution, lost=execution"},
           {"ROPEWAY_VIRTUAL_FAULTS", "aclrtMalloc:0=1", "'0' in 'aclrtMalloc:0=1' is no number above 0"},
           {"ROPEWAY_VIRTUAL_FAULTS", "slow=1,", "'' is none of"},
           {"ROPEWAY_VIRTUAL_FAULTS", "hang=soon", "'soon' in 'hang=soon' is no number above 0"},
           {"ROPEWAY_VIRTUAL_FAULTS", "aclGetRecentErrMsg=1", "does not fail"},
       }) {
    const std::string output = test::output_alone("Settings.WrongOnesAreTold", {{name, value}});
    EXPECT_NE(output.find(part), std::string::npos) << output << "lacks: " << part;
  }
}

}  // namespace
}  // namespace ropeway::cann
