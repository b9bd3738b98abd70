// What programs describe single operators with, and what else onnxruntime-cann calls.
#include <vector>

#include "cann/errors.h"
#include "cann/library.h"
#include "support/errors.h"

namespace ropeway::cann {
namespace {

class VirtualOperators : public ::testing::Test {
 protected:
  VirtualOperators() {
    static const aclError once = f.aclInit(nullptr);  // refused where another test of this program came first
    (void)once;
    EXPECT_EQ(f.aclrtSetDevice(0), ACL_SUCCESS);
    f.aclGetRecentErrMsg();
  }
  void refused(aclError actual, aclError expected, const std::string& part) const {
    EXPECT_EQ(actual, expected);
    const char* const given = f.aclGetRecentErrMsg();
    const std::string text = given == nullptr ? "" : given;
    EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
  }

  const Functions& f = Library::load(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so")->functions();
};

TEST_F(VirtualOperators, TensorsAreDescribed) {
  const std::vector<int64_t> dims = {2, 3, 5};
  aclTensorDesc* const desc = f.aclCreateTensorDesc(ACL_FLOAT16, 3, dims.data(), ACL_FORMAT_ND);
  ASSERT_NE(desc, nullptr);
  EXPECT_EQ(f.aclGetTensorDescSize(desc), 60u);
  EXPECT_EQ(f.aclGetTensorDescNumDims(desc), 3u);
  int64_t size = 0;
  EXPECT_EQ(f.aclGetTensorDescDimV2(desc, 2, &size), ACL_SUCCESS);
  EXPECT_EQ(size, 5);
  refused(f.aclGetTensorDescDimV2(desc, 3, &size), ACL_ERROR_INVALID_PARAM, "dimension 3 of a tensor that has 3");
  refused(f.aclGetTensorDescDimV2(desc, 0, nullptr), ACL_ERROR_INVALID_PARAM, "null pointer");
  refused(f.aclGetTensorDescDimV2(nullptr, 0, &size), ACL_ERROR_INVALID_PARAM, "null pointer");
  std::vector<char> value(60);
  EXPECT_EQ(f.aclSetTensorConst(desc, value.data(), value.size()), ACL_SUCCESS);
  refused(f.aclSetTensorConst(desc, nullptr, 1), ACL_ERROR_INVALID_PARAM, "null pointer");
  f.aclDestroyTensorDesc(desc);
  EXPECT_EQ(f.aclGetTensorDescSize(desc), 0u);
  refused(ACL_SUCCESS, ACL_SUCCESS, "destroyed already");
  f.aclDestroyTensorDesc(nullptr);

  aclTensorDesc* const scalar = f.aclCreateTensorDesc(ACL_INT64, 0, nullptr, ACL_FORMAT_ND);
  EXPECT_EQ(f.aclGetTensorDescSize(scalar), 8u);
  EXPECT_EQ(f.aclGetTensorDescNumDims(scalar), 0u);
  f.aclDestroyTensorDesc(scalar);
  const int64_t unknown = -2, open[] = {4, -1}, huge[] = {int64_t{1} << 40, int64_t{1} << 40};
  aclTensorDesc* const rank = f.aclCreateTensorDesc(ACL_FLOAT, 1, &unknown, ACL_FORMAT_ND);
  EXPECT_EQ(f.aclGetTensorDescNumDims(rank), 0xFFFFFFFFFFFFFFFEu);
  EXPECT_EQ(f.aclGetTensorDescSize(rank), 0u);
  f.aclDestroyTensorDesc(rank);
  for (const int64_t* each : {open, huge}) {
    aclTensorDesc* const without = f.aclCreateTensorDesc(ACL_FLOAT, 2, each, ACL_FORMAT_ND);
    EXPECT_EQ(f.aclGetTensorDescSize(without), 0u);
    f.aclDestroyTensorDesc(without);
  }
  EXPECT_EQ(f.aclCreateTensorDesc(ACL_FLOAT, -1, dims.data(), ACL_FORMAT_ND), nullptr);
  refused(ACL_SUCCESS, ACL_SUCCESS, "-1 dims");
  EXPECT_EQ(f.aclCreateTensorDesc(ACL_FLOAT, 1, nullptr, ACL_FORMAT_ND), nullptr);
  EXPECT_EQ(f.aclmdlGetDatasetTensorDesc(nullptr, 0), nullptr);
  refused(ACL_SUCCESS, ACL_SUCCESS, "describes no tensors");
}

TEST_F(VirtualOperators, AttributesAreTakenAndRunningIsRefused) {
  aclopAttr* const attr = f.aclopCreateAttr();
  const int64_t values[] = {1, 2};
  EXPECT_EQ(f.aclopSetAttrBool(attr, "a", 1), ACL_SUCCESS);
  EXPECT_EQ(f.aclopSetAttrInt(attr, "b", 2), ACL_SUCCESS);
  EXPECT_EQ(f.aclopSetAttrFloat(attr, "c", 3), ACL_SUCCESS);
  EXPECT_EQ(f.aclopSetAttrString(attr, "d", "4"), ACL_SUCCESS);
  EXPECT_EQ(f.aclopSetAttrListInt(attr, "e", 2, values), ACL_SUCCESS);
  EXPECT_EQ(f.aclopSetAttrListInt(attr, "f", 0, nullptr), ACL_SUCCESS);
  refused(f.aclopSetAttrListInt(attr, "g", -1, values), ACL_ERROR_INVALID_PARAM, "-1 values");
  refused(f.aclopSetAttrListInt(attr, "g", 1, nullptr), ACL_ERROR_INVALID_PARAM, "null pointer");
  refused(f.aclopSetAttrString(attr, "d", nullptr), ACL_ERROR_INVALID_PARAM, "null pointer");
  refused(f.aclopSetAttrInt(attr, nullptr, 1), ACL_ERROR_INVALID_PARAM, "null pointer");
  refused(f.aclopSetAttrBool(nullptr, "a", 1), ACL_ERROR_INVALID_PARAM, "null pointer");
  refused(f.aclopCompileAndExecute("Conv2D", 0, nullptr, nullptr, 0, nullptr, nullptr, attr, ACL_ENGINE_SYS, ACL_COMPILE_SYS, nullptr, nullptr), ACL_ERROR_API_NOT_SUPPORT, "is not implemented by Ropeway's virtual CANN: a single operator, Conv2D");
  f.aclopDestroyAttr(attr);
  f.aclopDestroyAttr(nullptr);
}

// One stream waits for what another has reached on the device's clock.
TEST_F(VirtualOperators, StreamsWaitForEvents) {
  aclrtStream busy = nullptr, idle = nullptr;
  aclrtEvent reached = nullptr, begin = nullptr, end = nullptr;
  for (aclrtStream* stream : {&busy, &idle}) ASSERT_EQ(f.aclrtCreateStream(stream), ACL_SUCCESS);
  for (aclrtEvent* event : {&reached, &begin, &end}) ASSERT_EQ(f.aclrtCreateEvent(event), ACL_SUCCESS);
  void* memory = nullptr;
  std::vector<char> host(1 << 20, 'x');
  ASSERT_EQ(f.aclrtMalloc(&memory, host.size(), ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtRecordEvent(begin, idle), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtMemcpyAsync(memory, host.size(), host.data(), host.size(), ACL_MEMCPY_HOST_TO_DEVICE, busy), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtRecordEvent(reached, busy), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtStreamWaitEvent(idle, reached), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtRecordEvent(end, idle), ACL_SUCCESS);
  for (aclrtStream stream : {busy, idle}) EXPECT_EQ(f.aclrtSynchronizeStream(stream), ACL_SUCCESS);
  float waited = 0, copied = 0;
  EXPECT_EQ(f.aclrtEventElapsedTime(&waited, begin, end), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtEventElapsedTime(&copied, begin, reached), ACL_SUCCESS);
  EXPECT_GT(copied, 0);
  EXPECT_EQ(waited, copied);
  EXPECT_NE(f.aclrtStreamWaitEvent(idle, memory), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtMemsetAsync(memory, host.size(), 7, host.size(), busy), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtSynchronizeStream(busy), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtMemcpy(host.data(), host.size(), memory, host.size(), ACL_MEMCPY_DEVICE_TO_HOST), ACL_SUCCESS);
  EXPECT_EQ(host[0], 7);
  EXPECT_NE(f.aclrtMemsetAsync(memory, host.size(), 7, host.size(), memory), ACL_SUCCESS);
  EXPECT_NE(f.aclrtMemsetAsync(memory, 1, 7, 2, busy), ACL_SUCCESS);
  EXPECT_EQ(f.aclrtFree(memory), ACL_SUCCESS);
  for (aclrtStream stream : {busy, idle}) EXPECT_EQ(f.aclrtDestroyStream(stream), ACL_SUCCESS);
  for (aclrtEvent event : {reached, begin, end}) EXPECT_EQ(f.aclrtDestroyEvent(event), ACL_SUCCESS);
}

}  // namespace
}  // namespace ropeway::cann
