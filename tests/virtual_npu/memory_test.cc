// The memory of the virtual device, counted to the byte.
#include <cstring>

#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

using test::expect_refused;
using test::LoadedModel;
using virtual_npu::Rule;

struct Info {
  size_t free = 0, total = 0;
};
Info info(const Functions& f) {
  Info now;
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &now.free, &now.total), 0);
  return now;
}

void* block(const Functions& f, size_t bytes) {
  void* memory = nullptr;
  EXPECT_EQ(f.aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST), 0) << test::recent_text(f);
  return memory;
}

// CANN's documents: a block takes a multiple of 32 bytes, and 32 more.
size_t taken_by(size_t bytes) { return (bytes + 31) / 32 * 32 + 32; }

ROPEWAY_ALONE(Memory, IsCountedExactly, {"ROPEWAY_VIRTUAL_MEMORY", "20"}) {
  test::start(f);
  EXPECT_EQ(info(f).total, 20000000u);
  EXPECT_EQ(info(f).free, 20000000u);
  size_t free = info(f).free;
  std::vector<void*> blocks;
  for (const size_t bytes : {1, 31, 32, 33, 64, 1000, 1 << 20}) {
    blocks.push_back(block(f, bytes));
    EXPECT_EQ(free - info(f).free, taken_by(bytes)) << bytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()) % 64, 0u);
    free = info(f).free;
  }
  void* host = nullptr;
  EXPECT_EQ(f.aclrtMallocHost(&host, 1 << 20), 0);
  EXPECT_EQ(info(f).free, free) << "the host's memory is not the card's";
  for (void* each : blocks) EXPECT_EQ(f.aclrtFree(each), 0);
  EXPECT_EQ(info(f).free, 20000000u);
  EXPECT_EQ(f.aclrtFreeHost(host), 0);
}

// What is free can be had in one piece, however it came to be free; a byte more cannot.
ROPEWAY_ALONE(Memory, DoesNotFragment, {"ROPEWAY_VIRTUAL_MEMORY", "20"}) {
  test::start(f);
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(block(f, 100000));
  for (size_t i = 0; i < blocks.size(); i += 2) EXPECT_EQ(f.aclrtFree(blocks[i]), 0);
  const size_t largest = info(f).free / 32 * 32 - 32;
  void* memory = nullptr;
  expect_refused(f, f.aclrtMalloc(&memory, largest + 1, ACL_MEM_MALLOC_HUGE_ONLY), Rule::no_memory, "of the 20.0 MB of device memory 15.0 MB are free");
  memory = block(f, largest);
  EXPECT_LT(info(f).free, 32u);
  expect_refused(f, f.aclrtMalloc(&blocks[0], 1, ACL_MEM_MALLOC_NORMAL_ONLY), Rule::no_memory);
  EXPECT_EQ(f.aclrtFree(memory), 0);
  EXPECT_EQ(f.aclrtFree(block(f, largest)), 0);
}

ROPEWAY_ALONE(Memory, HasNoAbsurdSizes) {
  test::start(f);
  const size_t before = info(f).free;
  void* memory = nullptr;
  for (const size_t bytes : {SIZE_MAX, SIZE_MAX - 31, SIZE_MAX - 63, SIZE_MAX / 2, size_t{1} << 50, info(f).total, info(f).total - 31}) {
    expect_refused(f, f.aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST), Rule::no_memory);
  }
  for (const size_t bytes : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 50}) expect_refused(f, f.aclrtMallocHost(&memory, bytes), Rule::no_memory);
  EXPECT_EQ(info(f).free, before) << "what is refused takes nothing";
}

ROPEWAY_ALONE(Memory, OfA310B4, {"ROPEWAY_VIRTUAL_SOC", "Ascend310B4"}) {
  test::start(f);
  EXPECT_EQ(info(f).total, 4000000000u);
  EXPECT_STREQ(f.aclrtGetSocName(), "Ascend310B4");
  void* memory = nullptr;
  expect_refused(f, f.aclrtMalloc(&memory, size_t{4000000000}, ACL_MEM_MALLOC_HUGE_FIRST), Rule::no_memory, "of the 4.0 GB of device memory");
  const LoadedModel model(f, test::small_om("Ascend310B4"));
  EXPECT_EQ(model.execute(), 0);
}

ROPEWAY_ALONE(Memory, OfA310B1) {
  test::start(f);
  EXPECT_EQ(info(f).total, 12000000000u);
}

// On the board itself host and device share one memory, and copies need not name what they are.
ROPEWAY_ALONE(Memory, IsOneOnTheBoard, {"ROPEWAY_VIRTUAL_MODE", "RC"}, {"ROPEWAY_VIRTUAL_MEMORY", "20"}) {
  test::start(f);
  aclrtRunMode mode = ACL_HOST;
  EXPECT_EQ(f.aclrtGetRunMode(&mode), 0);
  EXPECT_EQ(mode, ACL_DEVICE);
  void* host = nullptr;
  EXPECT_EQ(f.aclrtMallocHost(&host, 1000), 0);
  EXPECT_EQ(info(f).free, 20000000u - taken_by(1000));
  EXPECT_EQ(f.aclrtMemset(host, 1000, 1, 1000), 0) << "it is device memory";
  void* more = nullptr;
  expect_refused(f, f.aclrtMallocHost(&more, 20000000), Rule::no_memory, "aclrtMallocHost needs 20.0 MB");
  char here[10] = {};
  EXPECT_EQ(f.aclrtMemcpy(here, 10, host, 10, ACL_MEMCPY_HOST_TO_DEVICE), 0);
  EXPECT_EQ(here[9], 1);
  const std::string om = test::small_om();
  uint32_t id = 0;
  expect_refused(f, f.aclmdlLoadFromMem(om.data(), om.size(), &id), Rule::model_in_host_memory);
  void* memory = block(f, om.size());
  std::memcpy(memory, om.data(), om.size());
  EXPECT_EQ(f.aclmdlLoadFromMem(memory, om.size(), &id), 0) << test::recent_text(f);
  EXPECT_EQ(LoadedModel(f, id).execute(), 0);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  EXPECT_EQ(info(f).free, 20000000u - taken_by(1000)) << "a reset frees what aclrtMalloc gave";
  EXPECT_EQ(f.aclrtFreeHost(host), 0);
  EXPECT_EQ(info(f).free, 20000000u);
}

ROPEWAY_ALONE(Memory, OfModelsIsWhatTheyAskFor, {"ROPEWAY_VIRTUAL_MEMORY", "20"}) {
  test::start(f);
  const std::string om = test::small_om();
  const test::TestFolder folder;
  const std::string path = folder / "small.om";
  write_file(path, om);
  size_t work = 0, weights = 0, again_work = 0, again_weights = 0;
  ASSERT_EQ(f.aclmdlQuerySize(path.c_str(), &work, &weights), 0);
  ASSERT_EQ(f.aclmdlQuerySizeFromMem(om.data(), om.size(), &again_work, &again_weights), 0);
  EXPECT_EQ(work, again_work);
  EXPECT_EQ(weights, again_weights);
  EXPECT_GT(work, 0u);
  EXPECT_GT(weights, 0u);
  const size_t before = info(f).free;
  uint32_t id = 0;
  ASSERT_EQ(f.aclmdlLoadFromFile(path.c_str(), &id), 0);
  EXPECT_EQ(before - info(f).free, work + weights);
  EXPECT_EQ(f.aclmdlUnload(id), 0);
  EXPECT_EQ(info(f).free, before);
  void* const work_memory = block(f, work);
  void* const weight_memory = block(f, weights);
  const size_t left = info(f).free;
  const auto from_file = [&](void* work_at, size_t work_bytes, void* weights_at, size_t weight_bytes) { return f.aclmdlLoadFromFileWithMem(path.c_str(), &id, work_at, work_bytes, weights_at, weight_bytes); };
  expect_refused(f, from_file(work_memory, work - 1, weight_memory, weights), Rule::no_room, "work memory has");
  expect_refused(f, from_file(work_memory, work, weight_memory, weights - 1), Rule::no_room, "weight memory has");
  expect_refused(f, from_file(work_memory, work + 1, weight_memory, weights), Rule::not_device_memory, "the work memory");
  expect_refused(f, from_file(work_memory, work, nullptr, weights), Rule::not_device_memory, "the weight memory");
  ASSERT_EQ(from_file(work_memory, work, weight_memory, weights), 0) << test::recent_text(f);
  EXPECT_EQ(info(f).free, left) << "its memory is the caller's";
  EXPECT_EQ(LoadedModel(f, id).execute(), 0);
  EXPECT_EQ(f.aclmdlUnload(id), 0);
  expect_refused(f, f.aclmdlLoadFromMemWithMem(om.data(), om.size(), &id, work_memory, 0, weight_memory, weights), Rule::no_room);
  EXPECT_EQ(f.aclmdlLoadFromMemWithMem(om.data(), om.size(), &id, work_memory, work, weight_memory, weights), 0);
}

ROPEWAY_ALONE(Memory, TooLittleForAModel, {"ROPEWAY_VIRTUAL_MEMORY", "1"}) {
  test::start(f);
  const std::string om = test::small_om("Ascend310B1", 1024);
  uint32_t id = 0;
  expect_refused(f, f.aclmdlLoadFromMem(om.data(), om.size(), &id), Rule::no_memory, "the model in memory needs");
  EXPECT_EQ(info(f).free, 1000000u);
}

}  // namespace
}  // namespace ropeway::cann
