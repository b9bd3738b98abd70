// More than one process, and how a process ends.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <future>

#include "ascend/backend.h"
#include "ascend/small_model.h"
#include "base/process.h"
#include "engine/model.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

using test::ScopedVariable;
using test::TestFolder;

ProcessResult run_with(const std::string& faults, const char* program, const std::vector<std::string>& more = {}) {
  std::vector<std::string> command = {"/usr/bin/env", "ROPEWAY_VIRTUAL_FAULTS=" + faults, program};
  command.insert(command.end(), more.begin(), more.end());
  return run_process(command, "/", 60);
}
ProcessResult run_case(const std::string& faults, const std::vector<std::string>& more = {}) { return run_with(faults, ROPEWAY_FAULT_CASE, more); }

// Also with nothing in the cache: one compiles, the others wait for it and use what it made.
TEST(Processes, UseTheVirtualNpuAtOnce) {
  const TestFolder folder;
  const ScopedVariable cache("ROPEWAY_CACHE", (folder / "cache").string());
  std::vector<std::future<ProcessResult>> results;
  for (int i = 0; i < 3; ++i) results.push_back(std::async(std::launch::async, [] { return run_case("slow=20"); }));
  for (auto& each : results) {
    const ProcessResult result = each.get();
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_EQ(result.output, "ok\n");
  }
}

// Nothing is waited for at the end, neither by us nor by what was loaded.
TEST(Processes, EndAtOnceAlthoughTheDeviceHangs) {
  run_case("slow=1");  // into the cache
  const auto begin = std::chrono::steady_clock::now();
  const ProcessResult result = run_case("hang=1", {"--once"});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("did not answer for 0.5 s"), std::string::npos) << result.output;
  EXPECT_LT(seconds, 10) << "the time-out is 0.5 s";
}

// A device that was only slow goes on after it was given up, and writes the operators' times to where the profiler's pipe was.
TEST(Processes, GivenUpDeviceWritesIntoNoOtherFile) {
  const ProcessResult result = run_case("slow=1000", {"--late-writes"});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("did not answer for 0.5 s"), std::string::npos) << result.output;
}

// Of `action`, in a forked child: 0 when it ends in the error that forbids it, 1 for another end, 2 for none, a signal's number + 100.
template <class Action>
int in_forked_child(Action&& action) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    try {
      action();
      _exit(2);
    } catch (const Error& error) {
      _exit(error.code() == ErrorCode::device && std::string(error.what()).find("is a fork of one that has opened the NPU") != std::string::npos ? 0 : 1);
    }
  }
  int state = 0;
  waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 100 + WTERMSIG(state);
}

// CANN's documents: calls in a forked child fail or hang. Here they fail, and freeing what came from the parent does nothing.
TEST(Processes, ForkedChildGetsAnError) {
  const cann::Installation installation = *cann::installation_at(ROPEWAY_VIRTUAL_HOME);
  const AscendBackend backend(installation);
  auto executable = backend.compile(small_model(), {});
  auto context = executable->make_context();
  const std::vector<Tensor> inputs = generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}});
  std::vector<Tensor> outputs = {Tensor({DType::f32, {1, 10}})};
  executable->run(*context, inputs, outputs, nullptr);
  EXPECT_EQ(in_forked_child([&] { executable->run(*context, inputs, outputs, nullptr); }), 0);
  EXPECT_EQ(in_forked_child([&] { AscendBackend again(installation); }), 0);
  EXPECT_EQ(in_forked_child([&] { backend.compile(small_model(), {}); }), 0);
  EXPECT_EQ(in_forked_child([&] {
    context.reset();
    executable.reset();
    _exit(0);
  }), 0);
  executable->run(*context, inputs, outputs, nullptr);  // the parent's own is as before
}

// Programs that know nothing of Ropeway: the virtual CANN says it by itself. It still compiles there: OpenCV forks a child for that.
TEST(Processes, VirtualCannRefusesAForkedChild) {
  const auto device = Device::open(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  const cann::Functions& f = device->functions();
  void* const library = dlopen(device->installation().library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  const auto save_model = reinterpret_cast<uint32_t (*)(const char*, const void*)>(dlsym(library, "_ZN2ge16aclgrphSaveModelEPKcRKNS_15ModelBufferDataE"));
  ASSERT_NE(save_model, nullptr);
  constexpr uint32_t kParameterInvalid = 50331649;
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const bool refused = f.aclrtSetDevice(0) != 0 && f.aclrtSynchronizeStream(nullptr) != 0 && f.aclrtResetDevice(0) != 0;
    const bool says_so = std::string(f.aclGetRecentErrMsg()).find("forked from one that had called aclInit") != std::string::npos;
    _exit(refused && says_so && save_model(nullptr, nullptr) == kParameterInvalid ? 0 : 1);  // null is what is wrong there
  }
  int state = 0;
  waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << state;
  dlclose(library);
}

// The two programs that run as tests of their own see what they are there to see.
TEST(Processes, SoakNoticesWhatIsNotFreed) {
  const ProcessResult result = run_with("aclrtFree:30=507899", ROPEWAY_SOAK_PROGRAM, {"20"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.output.find("device memory taken 0 bytes"), std::string::npos) << result.output;
  EXPECT_TRUE(result.output.ends_with("not flat\n")) << result.output;
}

TEST(Processes, ThreadsNoticeAFailure) {
  const ProcessResult result = run_with("aclrtMemcpyAsync:40=507899", ROPEWAY_THREADS_PROGRAM, {"2"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.output.find("aclrtMemcpyAsync failed with 507899"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find(" 1 threads failed"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace ropeway::ascend
