// The virtual CANN from the side of any CANN program: its C functions.
#include <cstring>
#include <thread>
#include <vector>

#include "base/file.h"
#include "cann/errors.h"
#include "cann/library.h"
#include "support/errors.h"
#include "virtual_npu/atc/compiler.h"
#include "virtual_npu/container.h"

namespace ropeway::cann {
namespace {

class VirtualCann : public ::testing::Test {
 protected:
  VirtualCann() {
    static const aclError once = f.aclInit(nullptr);
    EXPECT_EQ(once, ACL_SUCCESS);
    EXPECT_EQ(f.aclrtSetDevice(0), ACL_SUCCESS);
  }
  // The code, and that the text has `part`.
  void refused(aclError actual, aclError expected, const std::string& part) const {
    EXPECT_EQ(actual, expected);
    const char* const given = f.aclGetRecentErrMsg();
    const std::string text = given == nullptr ? "" : given;
    EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
    EXPECT_EQ(f.aclGetRecentErrMsg(), nullptr) << "a text is given once";
  }

  const Functions& f = Library::load(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so")->functions();
};

TEST_F(VirtualCann, SaysWhatItIs) {
  EXPECT_STREQ(f.aclrtGetSocName(), "Ascend310B1");
  uint32_t count = 0;
  EXPECT_EQ(f.aclrtGetDeviceCount(&count), 0);
  EXPECT_EQ(count, 1u);
  size_t free = 0, total = 0;
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &free, &total), 0);
  EXPECT_GE(total, 11000000000u);
  aclrtRunMode mode = ACL_DEVICE;
  EXPECT_EQ(f.aclrtGetRunMode(&mode), 0);
  EXPECT_EQ(mode, ACL_HOST);
}

TEST_F(VirtualCann, KnowsItsStates) {
  refused(f.aclInit("/nowhere.json"), ACL_ERROR_INVALID_FILE, "/nowhere.json");
  refused(f.aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE, "aclInit was called before");
  refused(f.aclrtSetDevice(1), ACL_ERROR_RT_INVALID_DEVICEID, "device 1");
  std::thread([&] {
    void* memory = nullptr;
    refused(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_CONTEXT_NULL, "this thread has no context");
    int32_t device = 0;
    refused(f.aclrtGetDevice(&device), ACL_ERROR_RT_CONTEXT_NULL, "no device");
    refused(f.aclrtSynchronizeStream(nullptr), ACL_ERROR_RT_CONTEXT_NULL, "no context");
    refused(f.aclrtFree(&memory), ACL_ERROR_RT_CONTEXT_NULL, "no context");
    refused(f.aclmdlUnload(1), ACL_ERROR_RT_CONTEXT_NULL, "no context");
  }).join();
  aclrtContext context = nullptr;
  ASSERT_EQ(f.aclrtGetCurrentContext(&context), 0);
  std::thread([&] {
    EXPECT_EQ(f.aclrtSetCurrentContext(context), 0);
    void* memory = nullptr;
    EXPECT_EQ(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    EXPECT_EQ(f.aclrtFree(memory), 0);
  }).join();
}

TEST_F(VirtualCann, GuardsItsMemory) {
  void* memory = nullptr;
  ASSERT_EQ(f.aclrtMalloc(&memory, 100, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  std::vector<char> host(200, 'x');
  EXPECT_EQ(f.aclrtMemcpy(memory, 100, host.data(), 100, ACL_MEMCPY_HOST_TO_DEVICE), 0);
  refused(f.aclrtMemcpy(memory, 100, host.data(), 101, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_INVALID_PARAM, "101 bytes into room for 100");
  refused(f.aclrtMemcpy(memory, 200, host.data(), 101, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID, "not all in device memory");
  refused(f.aclrtMemcpy(host.data(), 200, host.data(), 1, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID, "not all in device memory");
  refused(f.aclrtMemset(memory, 100, 0, 200), ACL_ERROR_INVALID_PARAM, "room for 100");
  EXPECT_EQ(f.aclrtMemset(memory, 100, 0, 50), 0);
  EXPECT_EQ(f.aclrtMemcpy(host.data(), 200, memory, 100, ACL_MEMCPY_DEVICE_TO_HOST), 0);
  EXPECT_EQ(host[49], 0);
  EXPECT_EQ(host[50], 'x');
  EXPECT_EQ(f.aclrtFree(memory), 0);
  refused(f.aclrtFree(memory), ACL_ERROR_RT_PARAM_INVALID, "free already");
  refused(f.aclrtMalloc(&memory, size_t{1} << 40, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_MEMORY_ALLOCATION, "of device memory");
  refused(f.aclrtMalloc(&memory, 10, static_cast<aclrtMemMallocPolicy>(77)), ACL_ERROR_INVALID_PARAM, "no policy 77");
  refused(f.aclrtMemcpy(host.data(), 1, host.data(), 1, static_cast<aclrtMemcpyKind>(77)), ACL_ERROR_INVALID_PARAM, "no copy of kind 77");
  refused(f.aclrtMalloc(nullptr, 10, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM, "null pointer");
}

TEST_F(VirtualCann, EventsHaveTheStreamsTime) {
  aclrtStream stream = nullptr;
  aclrtEvent first = nullptr, last = nullptr;
  ASSERT_EQ(f.aclrtCreateStream(&stream), 0);
  ASSERT_EQ(f.aclrtCreateEvent(&first), 0);
  ASSERT_EQ(f.aclrtCreateEvent(&last), 0);
  float ms = -1;
  refused(f.aclrtEventElapsedTime(&ms, first, last), ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, "has not been recorded");
  void* memory = nullptr;
  ASSERT_EQ(f.aclrtMalloc(&memory, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  std::vector<char> host(1 << 20);
  EXPECT_EQ(f.aclrtRecordEvent(first, stream), 0);
  EXPECT_EQ(f.aclrtMemcpyAsync(memory, host.size(), host.data(), host.size(), ACL_MEMCPY_HOST_TO_DEVICE, stream), 0);
  EXPECT_EQ(f.aclrtRecordEvent(last, stream), 0);
  EXPECT_EQ(f.aclrtSynchronizeStream(stream), 0);
  EXPECT_EQ(f.aclrtEventElapsedTime(&ms, first, last), 0);
  EXPECT_GT(ms, 0);
  refused(f.aclrtEventElapsedTime(&ms, last, first), ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL, "before the first");
  EXPECT_EQ(f.aclrtFree(memory), 0);
  EXPECT_EQ(f.aclrtDestroyEvent(first), 0);
  refused(f.aclrtDestroyEvent(first), ACL_ERROR_RT_PARAM_INVALID, "no event");
  EXPECT_EQ(f.aclrtDestroyEvent(last), 0);
  EXPECT_EQ(f.aclrtDestroyStream(stream), 0);
  refused(f.aclrtSynchronizeStream(stream), ACL_ERROR_RT_STREAM_CONTEXT, "none");
}

TEST_F(VirtualCann, NeverPretends) {
  refused(f.aclmdlSetDynamicBatchSize(1, nullptr, 0, 1), ACL_ERROR_API_NOT_SUPPORT, "aclmdlSetDynamicBatchSize: this is not implemented");
  refused(f.aclmdlSetDynamicHWSize(1, nullptr, 0, 1, 1), ACL_ERROR_API_NOT_SUPPORT, "not implemented");
  refused(f.aclmdlSetInputDynamicDims(1, nullptr, 0, nullptr), ACL_ERROR_API_NOT_SUPPORT, "not implemented");
  uint32_t model = 0;
  refused(f.aclmdlLoadFromMem("IMOD and more", 13, &model), ACL_ERROR_PARSE_MODEL, "one of CANN's, which only a real NPU can run");
  refused(f.aclmdlLoadFromFile("/nowhere/model.om", &model), ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID, "/nowhere/model.om");
  refused(f.aclmdlUnload(4711), ACL_ERROR_GE_EXEC_MODEL_ID_INVALID, "model 4711");
  refused(f.aclmdlExecute(4711, nullptr, nullptr), ACL_ERROR_INVALID_PARAM, "null pointer");
  aclmdlDesc* const empty = f.aclmdlCreateDesc();
  EXPECT_EQ(f.aclmdlGetNumInputs(empty), 0u);
  EXPECT_EQ(f.aclmdlGetInputDataType(empty, 0), ACL_DT_UNDEFINED);
  EXPECT_EQ(f.aclmdlDestroyDesc(empty), 0);
}

// A program that knows nothing of Ropeway: lenet through atc and aclmdlExecute.
TEST_F(VirtualCann, RunsAModel) {
  virtual_npu::AtcOptions options;
  options.framework = 5;
  options.model = ROPEWAY_TEST_DATA "/golden/onnx/lenet.legacy13.onnx";
  options.soc_version = "Ascend310B1";
  const virtual_npu::Container container = virtual_npu::compile(options);
  EXPECT_FALSE(container.operators.empty());
  for (const virtual_npu::OperatorTime& each : container.operators) EXPECT_GT(each.ms, 0) << each.name;
  const std::string om = virtual_npu::to_bytes(container);
  uint32_t model = 0;
  ASSERT_EQ(f.aclmdlLoadFromMem(om.data(), om.size(), &model), 0) << f.aclGetRecentErrMsg();
  aclmdlDesc* const desc = f.aclmdlCreateDesc();
  ASSERT_EQ(f.aclmdlGetDesc(desc, model), 0);
  aclmdlDataset* sides[2] = {f.aclmdlCreateDataset(), f.aclmdlCreateDataset()};
  std::vector<void*> blocks;
  std::vector<aclDataBuffer*> buffers;
  for (int side = 0; side < 2; ++side) {
    const size_t count = side == 0 ? f.aclmdlGetNumInputs(desc) : f.aclmdlGetNumOutputs(desc);
    ASSERT_GT(count, 0u);
    for (size_t i = 0; i < count; ++i) {
      const size_t bytes = side == 0 ? f.aclmdlGetInputSizeByIndex(desc, i) : f.aclmdlGetOutputSizeByIndex(desc, i);
      blocks.push_back(nullptr);
      ASSERT_EQ(f.aclrtMalloc(&blocks.back(), bytes, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
      ASSERT_EQ(f.aclrtMemset(blocks.back(), bytes, 0, bytes), 0);
      buffers.push_back(f.aclCreateDataBuffer(blocks.back(), bytes));
      ASSERT_EQ(f.aclmdlAddDatasetBuffer(sides[side], buffers.back()), 0);
    }
  }
  EXPECT_EQ(f.aclmdlExecute(model, sides[0], sides[1]), 0) << f.aclGetRecentErrMsg();
  EXPECT_EQ(f.aclUpdateDataBuffer(buffers[0], blocks[0], 1), 0);
  refused(f.aclmdlExecute(model, sides[0], sides[1]), ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID, "its buffer has 1");
  refused(f.aclmdlExecute(model, sides[1], sides[1]), ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID, "");
  for (aclDataBuffer* each : buffers) EXPECT_EQ(f.aclDestroyDataBuffer(each), 0);
  for (aclmdlDataset* each : sides) EXPECT_EQ(f.aclmdlDestroyDataset(each), 0);
  for (void* each : blocks) EXPECT_EQ(f.aclrtFree(each), 0);
  EXPECT_EQ(f.aclmdlDestroyDesc(desc), 0);
  EXPECT_EQ(f.aclmdlUnload(model), 0);
  refused(f.aclmdlUnload(model), ACL_ERROR_GE_EXEC_MODEL_ID_INVALID, "no such model");
}

}  // namespace
}  // namespace ropeway::cann
