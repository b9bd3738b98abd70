// The backend on the virtual CANN, through its C interface as on a board.
#include "ascend/backend.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "ascend/compiler.h"
#include "ascend/small_model.h"
#include "cann/errors.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "support/disguise.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;
using test::ScopedVariable;
using test::TestFolder;
using test::expect_error;

class AscendTest : public ::testing::Test {
 protected:
  const AscendBackend backend_{*cann::installation_at(ROPEWAY_VIRTUAL_HOME)};
  const Graph graph_ = small_model();
  std::vector<Tensor> inputs_ = generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}});

  std::vector<float> run(const Executable& executable, Trace* trace = nullptr) const {
    std::vector<Tensor> outputs = {Tensor({DType::f32, {1, 10}})};
    executable.run(*executable.make_context(), inputs_, outputs, trace);
    const auto values = outputs[0].data<float>();
    return {values.begin(), values.end()};
  }
};

TEST_F(AscendTest, ComputesInHalfPrecision) {
  const std::vector<float> actual = run(*backend_.compile(graph_, {}));
  const Tensor reference = evaluate(graph_, inputs_)[0];
  const auto expected = reference.data<float>();
  float error = 0, largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error = std::max(error, std::abs(actual[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  EXPECT_LE(error, 1e-2f * largest);
  EXPECT_GT(error, 1e-5f * largest) << "that is the fp32 result";
}

TEST_F(AscendTest, TimesBySteps) {
  const auto executable = backend_.compile(graph_, {});
  Trace first, second;
  run(*executable, &first);
  run(*executable, &second);
  ASSERT_EQ(first.step_ms.size(), 1u);
  EXPECT_GT(first.step_ms[0], 0);
  EXPECT_GT(first.device_ms, first.step_ms[0]) << "copies take time";
  EXPECT_EQ(first.step_ms, second.step_ms) << "a predicted time is the same at every run";
  ASSERT_EQ(executable->steps().size(), 1u);
  EXPECT_EQ(executable->steps()[0].nodes.size(), graph_.nodes.size());
}

TEST_F(AscendTest, ManyThreadsShareAnExecutable) {
  const auto executable = backend_.compile(graph_, {});
  const std::vector<float> expected = run(*executable);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) EXPECT_EQ(run(*executable), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A thread that is in a context of its own, of another library say, stays in it.
TEST_F(AscendTest, LeavesTheThreadInItsContext) {
  const auto executable = backend_.compile(graph_, {});
  std::thread([&] {
    const cann::Functions& f = Device::open(*cann::installation_at(ROPEWAY_VIRTUAL_HOME))->functions();
    cann::aclrtContext own = nullptr, after = nullptr;
    ASSERT_EQ(f.aclrtCreateContext(&own, 0), 0);
    run(*executable);
    ASSERT_EQ(f.aclrtGetCurrentContext(&after), 0);
    EXPECT_EQ(after, own);
    EXPECT_EQ(f.aclrtDestroyContext(own), 0);
  }).join();
}

TEST_F(AscendTest, FreesWhatItTook) {
  const auto device = Device::open(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  const auto free_bytes = [&] {
    const auto entered = device->enter();
    size_t free = 0, total = 0;
    EXPECT_EQ(device->functions().aclrtGetMemInfo(cann::ACL_DDR_MEM, &free, &total), 0);
    return free;
  };
  const size_t before = free_bytes();
  {
    const auto executable = backend_.compile(graph_, {});
    const auto context = executable->make_context();
    EXPECT_LT(free_bytes(), before);
  }
  EXPECT_EQ(free_bytes(), before);
}

TEST_F(AscendTest, RunsWhatWasCompiledBefore) {
  const TestFolder folder;
  const AtcInput input = make_atc_input(graph_);
  fs::copy_file(compile_om(input, "small", *cann::installation_at(ROPEWAY_VIRTUAL_HOME), {"Ascend310B1", 60}).path, folder / "model.om");
  const auto loaded = backend_.load(folder / "model.om");
  ASSERT_EQ(loaded->inputs().size(), 1u);
  EXPECT_EQ(loaded->inputs()[0].name, "x");
  EXPECT_EQ(loaded->inputs()[0].type, (TensorType{DType::f32, {1, 3, 8, 8}}));
  EXPECT_EQ(run(*loaded), run(*backend_.compile(graph_, {})));
}

TEST_F(AscendTest, RefusesWhatItCannotRun) {
  const TestFolder folder;
  const auto compiled = [&](const char* soc) { return compile_om(make_atc_input(graph_), "small", *cann::installation_at(ROPEWAY_VIRTUAL_HOME), {soc, 60}).path; };
  expect_error([&] { backend_.load(compiled("Ascend310B4")); }, ErrorCode::invalid_model, "is compiled for Ascend310B4, but this device is a virtual Ascend310B1");
  write_file(folder / "vendor.om", std::string("IMOD and whatever follows"));
  expect_error([&] { backend_.load(folder / "vendor.om"); }, ErrorCode::invalid_argument, "was compiled by CANN's atc, so that only a real NPU can run it");
  const File good(compiled("Ascend310B1"));
  const auto bytes = good.read(0, good.size());
  for (const size_t size : {size_t{20}, size_t{40}, static_cast<size_t>(good.size()) - 1}) {
    write_file(folder / "short.om", std::span<const std::byte>(bytes.get(), size));
    expect_error([&] { backend_.load(folder / "short.om"); }, ErrorCode::invalid_model, "cut off");
  }
  bytes.get()[good.size() / 2] ^= std::byte{1};
  write_file(folder / "damaged.om", std::span<const std::byte>(bytes.get(), good.size()));
  expect_error([&] { backend_.load(folder / "damaged.om"); }, ErrorCode::invalid_model, "damaged");
  write_file(folder / "none.om", std::string("something else"));
  expect_error([&] { backend_.load(folder / "none.om"); }, ErrorCode::invalid_model, "is no compiled model");
}

TEST_F(AscendTest, KnowsWhatTheChipLacks) {
  GraphBuilder builder("doubles", "test");
  const ValueId x = builder.input("x", {DType::f64, {2}});
  builder.output(builder.add1(Op::Unary, UnaryParams{}, {x}, "y"));
  const Graph graph = builder.finish();
  const Support support = backend_.supports(graph)[0];
  EXPECT_FALSE(support.yes);
  EXPECT_NE(support.why_not.find("no float64"), std::string::npos);
}

TEST_F(AscendTest, TakesNoEmptyTensors) {
  GraphBuilder builder("empty", "test");
  builder.output(builder.add1(Op::Unary, UnaryParams{}, {builder.input("x", {DType::f32, {0, 2}})}, "y"));
  const Graph graph = builder.finish();
  EXPECT_EQ(backend_.supports(graph)[0].why_not, "x is f32[0,2]: CANN takes no tensors without elements");
}

// What atc leaves behind with exit status 0 need not be a model, or not the one that was asked for: it is not found again.
TEST_F(AscendTest, DropsABadModelFromTheCache) {
  const TestFolder folder;
  const ScopedVariable cache("ROPEWAY_CACHE", (folder / "cache").string());
  fs::copy(ROPEWAY_VIRTUAL_HOME, folder / "cann", fs::copy_options::recursive);
  fs::rename(folder / "cann/bin/atc", folder / "cann/bin/atc.real");
  const auto install = [&](const std::string& more) {
    write_file(folder / "cann/bin/atc", "#!/bin/sh\n\"$0.real\" \"$@\"\nfor word in \"$@\"; do case \"$word\" in --output=*) output=${word#--output=};; esac; done\n" + more + "\n");
    fs::permissions(folder / "cann/bin/atc", fs::perms::owner_all);
  };
  install("[ -e " + (folder / "once").string() + " ] || truncate -s 1000 $output.om; touch " + (folder / "once").string());
  const AscendBackend backend(*cann::installation_at(folder / "cann"));
  expect_error([&] { backend.compile(graph_, {}); }, ErrorCode::device, "is removed from the cache: run this again");
  run(*backend.compile(graph_, {}));
  // A good model, but of another network.
  const fs::path other = compile_om(make_atc_input(small_model(5)), "other", *cann::installation_at(ROPEWAY_VIRTUAL_HOME), {"Ascend310B1", 60}).path;
  install("cp " + other.string() + " $output.om");
  Graph half = graph_;
  half.outputs = {half.nodes[1].outputs[0]};
  half.nodes.resize(2);
  expect_error([&] { backend.compile(half, {}); }, ErrorCode::device, "where f32[1,4,8,8] was asked for");
}

// A real CANN whose device takes what the virtual atc makes is not to be believed.
TEST_F(AscendTest, ARealDeviceRefusesAVirtualModel) {
  const TestFolder folder;
  test::disguise(ROPEWAY_VIRTUAL_HOME, folder / "real");
  const fs::path om = compile_om(make_atc_input(graph_), "small", *cann::installation_at(ROPEWAY_VIRTUAL_HOME), {"Ascend310B1", 60}).path;
  const AscendBackend real(*cann::installation_at(folder / "real"));
  expect_error([&] { real.load(om); }, ErrorCode::invalid_argument, "compile the model with --device npu");
}

}  // namespace
}  // namespace ropeway::ascend
